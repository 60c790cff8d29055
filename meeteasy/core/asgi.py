"""ASGI in a few lines: its types, and answers in JSON."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
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


class ByteBudget:
    """Bounds what the bodies of all requests of a process hold at one time."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> bool:
        """Returns whether there is room; if not, nothing is taken."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        self._left += size


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
