"""Reads bodies whole, within a limit, before Django gets the request.

A thread of Django's pool then never waits for a client, and an endless body costs no more than the limit.
"""

import re
import tempfile
from collections.abc import MutableMapping, Sequence
from typing import Any

from meeteasy.core.asgi import (
    Application,
    ByteBudget,
    NoRoomError,
    Receive,
    Scope,
    Send,
    Share,
    send_error,
)

# Larger bodies wait in a file.
_IN_MEMORY = 64 * 1024
_PIECE = 64 * 1024

Limits = Sequence[tuple[str, int]]


class BodyLimit:
    """Middleware that answers 413 to a body above its path's limit, and passes on complete bodies.

    limits: patterns of paths, and the maximum bytes for each; the first match counts.
    budget: for what all bodies hold together until they are answered; beyond it 503 for those that have been
        arriving for longest.
    """

    def __init__(self, app: Application, *, limits: Limits, default: int, budget: ByteBudget) -> None:
        self._app = app
        self._limits = [(re.compile(pattern), limit) for pattern, limit in limits]
        self._default = default
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = next(
            (limit for pattern, limit in self._limits if pattern.search(scope["path"])), self._default
        )
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            body = _Body(file, self._budget.share(), limit)
            try:
                if await self._read(body, scope, receive, send):
                    await self._app(scope, body.replay, send)
            finally:
                body.close()

    async def _read(self, body: "_Body", scope: Scope, receive: Receive, send: Send) -> bool:
        """Returns whether the body is complete; if not, the client has its answer or is gone."""
        try:
            await body.read(receive, declared=_declared_length(scope))
        except _TooLargeError:
            await send_error(send, 413, "too_large", f"The body has more than {body.limit} bytes.")
        except NoRoomError:
            message = "The server is reading too much at once. Nothing was done; send the request again."
            await send_error(send, 503, "busy", message, retry_after=2)
        except ConnectionError:
            pass
        else:
            return True
        return False


class _TooLargeError(Exception):
    pass


def _declared_length(scope: Scope) -> int:
    """Return Content-Length, or 0 without one. The HTTP parser has checked that it is a number."""
    return next((int(value[:19]) for name, value in scope["headers"] if name == b"content-length"), 0)


class _Body:
    """A body that is read whole and then passed on in pieces."""

    def __init__(self, file: Any, share: Share, limit: int) -> None:
        self._file = file
        self._share = share
        self.limit = limit
        self._size = 0

    async def read(self, receive: Receive, *, declared: int) -> None:
        """Raises _TooLargeError, NoRoomError, or ConnectionError if the client hung up."""
        if declared > self.limit:
            raise _TooLargeError
        async with self._share.arriving():
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionError
                part = message.get("body", b"")
                self._size += len(part)
                if self._size > self.limit:
                    raise _TooLargeError
                if part:
                    self._share.take(len(part))
                    self._file.write(part)
                more = message.get("more_body", False)
        self._file.seek(0)

    async def replay(self) -> MutableMapping[str, Any]:
        part = self._file.read(_PIECE)
        return {"type": "http.request", "body": part, "more_body": len(part) == _PIECE}

    def close(self) -> None:
        self._share.close()
