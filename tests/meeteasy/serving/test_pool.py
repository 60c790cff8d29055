"""Django's pool of threads: how many requests run, how many wait, and how the others are refused."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from meeteasy.core.asgi import ByteBudget
from meeteasy.serving.bodies import BodyLimit
from meeteasy.serving.pool import Pool

SCOPE: dict[str, Any] = {
    "type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1",
}  # fmt: skip


class Sleeper:
    """A slow WSGI application that counts how many requests it had at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._inside = 0
        self.most = self.served = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(self.seconds)
        with self._lock:
            self._inside -= 1
            self.served += 1
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


async def ask(app: Any, **scope: Any) -> tuple[int, dict[bytes, bytes]]:
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app({**SCOPE, **scope}, receive, send)
    return messages[0]["status"], dict(messages[0]["headers"])


async def test_running_and_waiting_requests_are_bounded() -> None:
    sleeper = Sleeper(0.2)
    pool = Pool(sleeper, threads=3, waiting=4, wait_seconds=30)
    answers = await asyncio.gather(*(ask(pool) for _ in range(20)))
    assert Counter(status for status, _ in answers) == {200: 7, 503: 13}
    assert {headers.get(b"retry-after") for status, headers in answers if status == 503} == {b"1"}
    assert (sleeper.most, sleeper.served) == (3, 7)
    assert (await ask(pool))[0] == 200


async def test_no_request_waits_longer_than_allowed() -> None:
    sleeper = Sleeper(1.0)
    pool = Pool(sleeper, threads=1, waiting=100, wait_seconds=0.2)
    first = asyncio.create_task(ask(pool))
    await asyncio.sleep(0.05)
    others = await asyncio.gather(*(ask(pool) for _ in range(10)))
    assert not first.done()
    assert {status for status, _ in others} == {503}
    assert (await first)[0] == 200
    assert sleeper.served == 1


async def test_a_request_whose_turn_would_come_too_late_is_refused_at_once() -> None:
    sleeper = Sleeper(0.05)
    pool = Pool(sleeper, threads=2, waiting=1000, wait_seconds=1)
    for _ in range(40):  # the pool learns how long requests take
        await ask(pool)
    statuses: list[int] = []

    async def come() -> None:
        statuses.append((await ask(pool))[0])

    await asyncio.gather(*(come() for _ in range(200)))
    # Two threads serve some forty requests in a second.
    assert statuses[:150] == [503] * 150, "before anybody was served"
    assert statuses.count(200) > 2


async def test_slow_requests_that_are_over_keep_nobody_out() -> None:
    sleeper = Sleeper(0.1)
    pool = Pool(sleeper, threads=1, waiting=100, wait_seconds=0.1)
    for _ in range(10):
        await ask(pool)
    assert {status for status, _ in await asyncio.gather(*(ask(pool) for _ in range(9)))} == {200, 503}
    sleeper.seconds = 0
    for _ in range(100):
        assert (await ask(pool))[0] == 200
    answers = await asyncio.gather(*(ask(pool) for _ in range(9)))
    assert {status for status, _ in answers} == {200}


async def test_a_header_with_an_underscore_cannot_pose_as_another() -> None:
    seen: dict[str, Any] = {}

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    headers = [(b"x_forwarded_for", b"203.0.113.7"), (b"x-real", b"1")]
    pool = BodyLimit(
        Pool(note, threads=1, waiting=1, wait_seconds=1), limits=[], default=10, budget=ByteBudget(1000)
    )
    await ask(pool, headers=headers, query_string=b"q=\xff&a=%20")
    assert "HTTP_X_FORWARDED_FOR" not in seen
    assert seen["HTTP_X_REAL"] == "1"
    assert seen["QUERY_STRING"] == "q=%FF&a=%20"


class Answer:
    """A WSGI answer in two parts, as Django has it."""

    def __init__(self, *, streaming: bool) -> None:
        self.streaming = streaming
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"he", b"llo"])

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_answer_arrives_whole_and_is_closed(streaming: bool) -> None:
    sent: list[Any] = []
    answer = Answer(streaming=streaming)

    def application(environ: Any, start_response: Any) -> Answer:
        start_response("201 Created", [("X-One", "1")])
        return answer

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Pool(application, threads=1, waiting=1, wait_seconds=5)(SCOPE, receive, send)
    start, *parts = sent
    assert (start["status"], start["headers"]) == (201, [(b"x-one", b"1")])
    assert b"".join(part["body"] for part in parts) == b"hello"
    assert not parts[-1].get("more_body", False)
    assert answer.is_closed
