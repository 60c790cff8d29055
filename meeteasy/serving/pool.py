"""Django in a fixed number of threads, each with a permanent database connection.

Under ASGI, Django would give each request a thread and a connection of its own. With many clients PostgreSQL
then refuses connections, and hundreds of SQLite writers wait for each other.
"""

import asyncio
import time
from typing import Any
from urllib.parse import quote_from_bytes

from a2wsgi.wsgi import WSGIMiddleware, WSGIResponder

from meeteasy.core.asgi import Receive, Scope, Send, send_error
from meeteasy.core.logs import Tally, get_logger

log = get_logger(__name__)

# How much a request counts in the mean time that requests hold a thread.
_WEIGHT = 1 / 16


class Pool:
    """ASGI application that runs a WSGI application in `threads` threads.

    If all are busy, requests wait in order, at most `waiting` of them and for at most `wait_seconds`. The
    others get 503 `busy` with Retry-After and are not processed at all. Those whose turn would come too late,
    going by how long requests hold a thread at present, get it at once.
    """

    def __init__(self, wsgi: Any, *, threads: int, waiting: int, wait_seconds: float) -> None:
        self._app = _Middleware(wsgi, workers=threads)
        self._threads = threads
        self._free = asyncio.Semaphore(threads)
        self._mean_seconds = 0.0
        self._waiting = 0
        self._max_waiting = waiting
        self._wait_seconds = wait_seconds
        self._refused = Tally(log, "busy")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self._enter():
            self._refused.add(requests=1)
            message = "The server is busy. Nothing was done; send the request again."
            await send_error(send, 503, "busy", message, retry_after=1)
            return
        started = time.monotonic()
        try:
            await self._app(_as_wsgi_expects(scope), receive, send)
        finally:
            self._free.release()
            # A long download counts no more than what nobody waits for anyway.
            seconds = min(time.monotonic() - started, self._wait_seconds)
            self._mean_seconds += (seconds - self._mean_seconds) * _WEIGHT

    async def _enter(self) -> bool:
        if self._free.locked() and not self._has_room():
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    def _has_room(self) -> bool:
        expected_seconds = (self._waiting + 1) * self._mean_seconds / self._threads
        return self._waiting < self._max_waiting and expected_seconds <= self._wait_seconds


class _Middleware(WSGIMiddleware):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _Responder(self.app, self.executor, self.send_queue_size)(scope, receive, send)


class _Responder(WSGIResponder):
    """Hands a whole answer to the event loop at once, and waits for nothing.

    a2wsgi hands over the start, each chunk and the end, and the thread waits each time until the loop has
    taken it: half of what Django itself needs for a small answer.
    """

    _start: Any = None

    def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            super().send(start)
        super().send(message)

    def wsgi(self, environ: Any, start_response: Any) -> None:
        answer: Any = self.app(environ, start_response)
        if getattr(answer, "streaming", True):
            self.app = lambda *_: answer
            super().wsgi(environ, start_response)
            return
        try:
            body = {"type": "http.response.body", "body": b"".join(answer)}
            self.loop.call_soon_threadsafe(self._put, self._start, body)
        finally:
            answer.close()

    def _put(self, *messages: Any) -> None:
        for message in messages:
            self.send_queue.put_nowait(message)


def _as_wsgi_expects(scope: Scope) -> Scope:
    """Remove headers that WSGI confuses with others: X_Forwarded_For, too, becomes HTTP_X_FORWARDED_FOR.

    Non-ASCII bytes of the query, which a2wsgi does not decode, become percent escapes.
    """
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    query: bytes = scope["query_string"]
    if not query.isascii():
        query = quote_from_bytes(query, safe="%&=+;/?:@!$'()*,~[]").encode()
    return {**scope, "headers": headers, "query_string": query}
