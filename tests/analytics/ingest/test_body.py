"""Reading bodies that come in pieces."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from analytics.ingest import body
from analytics.ingest.body import BodyTooLargeError, ClientGoneError, NoRoomError, read_body
from meeteasy.core.asgi import ByteBudget


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
    slow = Sender(b"a" * 60, None)
    reading = asyncio.create_task(read(slow))
    await asyncio.sleep(0)
    with pytest.raises(NoRoomError):
        await read(Sender(b"b" * 30, b"b" * 30))
    assert await read(Sender(b"c" * 80)) == b"c" * 80, "what comes whole needs no room"
    slow.go_on.set()
    assert await reading == b"a" * 60
    assert small_budget.take(100), "all was given back"


async def test_failed_bodies_give_back_their_room(small_budget: ByteBudget) -> None:
    with pytest.raises(BodyTooLargeError):
        await read(Sender(b"a" * 60, b"a" * 60))
    with pytest.raises(ClientGoneError):
        await read(Sender(b"a" * 60, hangs_up=True))
    assert small_budget.take(100)
