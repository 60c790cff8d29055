"""Reads bodies whole, within a limit, before Django gets the request.

A thread of Django's pool then never waits for a client, and an endless body costs no more than the limit.
"""

import re
import tempfile
from collections.abc import MutableMapping, Sequence
from typing import Any

from meeteasy.core.asgi import Application, Receive, Scope, Send, send_error

# Larger bodies wait in a file.
_IN_MEMORY = 1024 * 1024
_PIECE = 64 * 1024

Limits = Sequence[tuple[str, int]]


class BodyLimit:
    """Middleware that answers 413 to a body above its path's limit, and passes on complete bodies.

    limits: patterns of paths, and the maximum bytes for each; the first match counts.
    """

    def __init__(self, app: Application, *, limits: Limits, default: int) -> None:
        self._app = app
        self._limits = [(re.compile(pattern), limit) for pattern, limit in limits]
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = next(
            (limit for pattern, limit in self._limits if pattern.search(scope["path"])), self._default
        )
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
            try:
                await _read(receive, body, limit=limit, declared=_declared_length(scope))
            except _TooLargeError:
                await send_error(send, 413, "too_large", f"The body has more than {limit} bytes.")
                return
            except ConnectionError:
                return
            await self._app(scope, _replay(body), send)


class _TooLargeError(Exception):
    pass


def _declared_length(scope: Scope) -> int:
    """Return Content-Length, or 0 without one. The HTTP parser has checked that it is a number."""
    return next((int(value[:19]) for name, value in scope["headers"] if name == b"content-length"), 0)


async def _read(receive: Receive, body: Any, *, limit: int, declared: int) -> None:
    """Read the body. Raises _TooLargeError, or ConnectionError if the client hung up."""
    if declared > limit:
        raise _TooLargeError
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _TooLargeError
        if part:
            body.write(part)
        more = message.get("more_body", False)
    body.seek(0)


def _replay(body: Any) -> Receive:
    async def receive() -> MutableMapping[str, Any]:
        part = body.read(_PIECE)
        return {"type": "http.request", "body": part, "more_body": len(part) == _PIECE}

    return receive
