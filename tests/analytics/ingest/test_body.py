"""Reading bodies that come in pieces."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from analytics.ingest import body
from analytics.ingest.body import BodyTooLargeError, ClientGoneError, read_body
from meeteasy.core.asgi import ByteBudget, NoRoomError


@pytest.fixture(autouse=True)
def small_budget(monkeypatch: pytest.MonkeyPatch) -> ByteBudget:
    budget = ByteBudget(100)
    monkeypatch.setattr(body, "_pieces", budget)
    return budget


class Sender:
    """Sends pieces of a body one by one, and waits where the piece is None."""

    def __init__(self, *pieces: bytes | None, hangs_up: bool = False) -> None:
        self._pieces: Iterator[bytes | None] = iter(pieces)
        self._left = len(pieces)
        self._hangs_up = hangs_up
        self.go_on = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        piece = next(self._pieces, b"")
        self._left -= 1
        if piece is None:
            await self.go_on.wait()
            piece = b""
        if self._left < 0 and self._hangs_up:
            return {"type": "http.disconnect"}
        more = self._left > 0 or self._hangs_up
        return {"type": "http.request", "body": piece, "more_body": more}


async def read(sender: Sender, limit: int = 90) -> bytes:
    return await read_body(sender, declared_length=None, limit=limit)


async def test_pieces_become_one_body() -> None:
    assert await read(Sender(b"a" * 40, b"", b"b" * 50)) == b"a" * 40 + b"b" * 50
    assert await read(Sender(b"whole")) == b"whole"


async def test_unfinished_bodies_share_a_budget(small_budget: ByteBudget) -> None:
    """A newer body gets the room of the one that has been arriving for longest."""
    slow = Sender(b"a" * 60, None)
    reading = asyncio.create_task(read(slow))
    await asyncio.sleep(0)
    assert await read(Sender(b"b" * 30, b"b" * 30)) == b"b" * 60
    with pytest.raises(NoRoomError):
        await reading
    assert await read(Sender(b"c" * 80)) == b"c" * 80, "what comes whole needs no room"
    assert small_budget.take(small_budget.share(), 100), "all was given back"


async def test_a_body_displaces_no_more_than_it_needs(small_budget: ByteBudget) -> None:
    slow = [Sender(b"a" * 30, None) for _ in range(3)]
    reading = [asyncio.create_task(read(sender)) for sender in slow]
    await asyncio.sleep(0)
    assert await read(Sender(b"b" * 20, b"b" * 15)) == b"b" * 35
    for sender in slow:
        sender.go_on.set()
    with pytest.raises(NoRoomError):
        await reading[0]
    assert [await task for task in reading[1:]] == [b"a" * 30] * 2
    assert small_budget.take(small_budget.share(), 100)


async def test_a_body_that_cannot_get_room_is_refused(small_budget: ByteBudget) -> None:
    assert small_budget.take(small_budget.share(), 50), "of a body that has arrived"
    with pytest.raises(NoRoomError):
        await read(Sender(b"a" * 30, b"a" * 30))
    assert await read(Sender(b"a" * 30, b"a" * 20)) == b"a" * 50


async def test_failed_bodies_give_back_their_room(small_budget: ByteBudget) -> None:
    with pytest.raises(BodyTooLargeError):
        await read(Sender(b"a" * 60, b"a" * 60))
    with pytest.raises(ClientGoneError):
        await read(Sender(b"a" * 60, hangs_up=True))
    assert small_budget.take(small_budget.share(), 100)
