"""ASGI in a few lines: its types, and answers in JSON."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from meeteasy.core.errors import error_body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

# An extension of our server (meeteasy/serving/protocol.py): one message with what otherwise takes two.
WHOLE_ANSWER = "meeteasy.response"


class NoRoomError(Exception):
    """Too many bodies are being read at once."""


class ByteBudget:
    """Bounds what the bodies of all requests of a process hold at one time.

    Who needs room that is not there gets it from the bodies that have been arriving for longest: otherwise a
    few clients that send slowly could keep everybody else out.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._arriving: dict[Share, None] = {}  # what began first comes first

    def share(self) -> "Share":
        return Share(self)

    def take(self, share: "Share", size: int) -> bool:
        """Returns whether there is room; if not, nothing is taken."""
        while size > self._left:
            oldest = next(iter(self._arriving), share)
            if oldest is share:
                return False
            oldest.displace()
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        self._left += size

    def note_arriving(self, share: "Share") -> None:
        self._arriving[share] = None

    def note_arrived(self, share: "Share") -> None:
        self._arriving.pop(share, None)


class Share:
    """What one body holds of a budget, until it is closed."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._held = 0
        self._deadline = asyncio.timeout(None)

    @asynccontextmanager
    async def arriving(self) -> AsyncIterator[None]:
        """While the body is read. Raises NoRoomError when its room went to another body."""
        try:
            async with self._deadline:
                try:
                    yield
                finally:
                    self._budget.note_arrived(self)
        except TimeoutError:
            raise NoRoomError from None

    def take(self, size: int) -> None:
        """Raises NoRoomError."""
        if not self._budget.take(self, size):
            raise NoRoomError
        self._held += size
        self._budget.note_arriving(self)

    def displace(self) -> None:
        """Give the room to another body, and end the reading of this one."""
        self._budget.note_arrived(self)
        self.close()
        self._deadline.reschedule(0)

    def close(self) -> None:
        self._budget.give_back(self._held)
        self._held = 0


async def send_answer(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer of which the Content-Length is among the headers, in one step where the server can."""
    if WHOLE_ANSWER in scope.get("extensions", ()):
        await send({"type": WHOLE_ANSWER, "status": status, "headers": headers, "body": body})
    else:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, content: Any, *, retry_after: int | None = None) -> None:
    """Answer with JSON. Scripts of any origin may read it, so it must not be personal."""
    body = msgspec.json.encode(content)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"retry-after"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_error(
    send: Send, status: int, code: str, message: str, *, retry_after: int | None = None
) -> None:
    """Answer with the API's error shape."""
    await send_json(send, status, error_body(code, message), retry_after=retry_after)
