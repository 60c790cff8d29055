"""uvicorn's HTTP protocol with bounds: for connections, headers, and how long a client may keep us waiting.

httptools itself accepts headers of any length, and uvicorn waits for ever for a silent client.
"""

import asyncio
import sys
from functools import lru_cache
from typing import Any

import httptools
import msgspec
from django.conf import settings
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from meeteasy.core.asgi import WHOLE_ANSWER
from meeteasy.core.errors import error_body
from meeteasy.core.logs import Tally, get_logger

log = get_logger(__name__)

MAX_HEADER_BYTES = 64 * 1024
# The time from a request's first byte (or the connection's beginning) to the end of its headers.
HEADER_SECONDS = 10
# The time between two pieces of a body.
BODY_SECONDS = 20
# The time for which a client may take nothing of its answer.
WRITE_SECONDS = 30
# An answer that comes before the end of the request's body says `Connection: close`, so that the client sends
# nothing more on this connection. This much of the body is still read before it is closed: if it were closed
# at once, the client would often see a broken connection instead of the answer.
_LINGER_SECONDS = 5
_LINGER_BYTES = 4 * 1024 * 1024

_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE_ANSWER: {}}

_refused = Tally(log, "connections_refused")


class BoundedProtocol(HttpToolsProtocol):
    """Refuses with 400, 431, and 503 beyond MAX_CONNECTIONS of this process, in the API's error shape.

    Silent connections are closed without an answer.
    """

    _in_head = _in_body = _refusing = False
    # Whether the request's head offers a protocol that we do not speak.
    _is_offer = False
    # What is being read, and what is to be read again.
    _piece = _again = b""
    _may_linger = True
    _head_bytes = 0
    # Of the piece that is being read, and of all from that on in which the last request began.
    _piece_bytes = _pieces_bytes = 0
    # Since a piece that held some of the body: names and sizes of chunks, and trailers, which nobody reads.
    _frame_bytes = 0
    _header_count = 0
    _linger_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    # When the last answer was complete, by the loop's clock.
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_LingeringTransport(transport, self))  # type: ignore[arg-type]
        if len(self.connections) > settings.MAX_CONNECTIONS:
            _refused.add(connections=1)
            self._refuse(503, "busy", "This server has no connection left. Try again.", retry_after=2)
        else:
            self._set_timer(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None)
        super()._unset_keepalive_if_required()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusing:
            self._linger(len(data))
            return
        was_in_body = self._in_body
        self._piece_bytes = len(data)
        self._pieces_bytes += len(data)
        self._again = data
        while self._again and not self._refusing:
            self._piece, self._again = self._again, b""
            super().data_received(self._piece)
        self._piece = b""
        if self.transport is None or self.transport.is_closing() or self._refusing:
            return
        if self._in_head:
            if not was_in_body:  # otherwise most of it belongs to the request before
                self._head_bytes += len(data)
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse_headers()
            elif self._timer is None:
                self._set_timer(HEADER_SECONDS)
        elif self._in_body:
            self._frame_bytes += len(data)
            if self._frame_bytes > MAX_HEADER_BYTES:
                self._refuse_framing()
            elif not self.cycle.response_complete:
                self.cycle.default_headers = [*self.server_state.default_headers, CLOSE_HEADER]
                self._set_timer(BODY_SECONDS)

    def handle_websocket_upgrade(self) -> None:
        self._in_head = self._in_body = False
        self._set_timer(None)
        super()._unset_keepalive_if_required()
        super().handle_websocket_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Prepare to read the request again without its offer of another protocol.

        Called where httptools raised HttpParserUpgrade(offset). A server may ignore such an offer (RFC 9110,
        7.8), but httptools takes the body for the other protocol's. Java's client offers `h2c` by itself.
        """
        refused = sys.exception()
        if not self._is_offer or refused is None:  # CONNECT
            super()._unsupported_upgrade_warning()
            return
        rest = self._piece[refused.args[0] :]
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                value = b"close" if b"close" in value.lower() else b"keep-alive"
            if name not in (b"upgrade", b"http2-settings"):
                head += [name, b": ", value, b"\r\n"]
        self._again = b"".join([*head, b"\r\n", rest])
        self._is_offer = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "bad_request", msg)

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._pieces_bytes = True, 0, self._piece_bytes
        super().on_message_begin()
        self.scope["extensions"] = _EXTENSIONS

    def on_headers_complete(self) -> None:
        if (
            self.parser.should_upgrade()
            and self.parser.get_method() != b"CONNECT"
            and not self._should_upgrade()
        ):
            self._is_offer = True
            return
        self._in_head, self._in_body = False, True
        self._frame_bytes = -self._piece_bytes
        self._header_count = len(self.headers)
        # Only a head in large or many pieces needs to be measured.
        if self._pieces_bytes > MAX_HEADER_BYTES < self._measure_head():
            self._refuse_headers()
        else:
            super().on_headers_complete()

    def _measure_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._frame_bytes = -self._piece_bytes
        if self._refusing:
            return
        if self.cycle is not None and self.cycle.response_complete:
            self._linger(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_offer:
            return
        self._in_body = False
        if self._refusing:
            return
        del self.headers[self._header_count :]  # trailers; the application has the same list
        if self._timer is not None:
            self._set_timer(None)
        super().on_message_complete()
        if self.cycle is None:
            return
        self.cycle.default_headers = self.server_state.default_headers
        if self.cycle.response_complete and not self.cycle.keep_alive:
            self.transport.close()

    @property
    def is_lingering(self) -> bool:
        """Whether a request was answered whose body is still arriving, within the bounds."""
        return self._in_body and self._may_linger and self.cycle.response_complete

    def on_response_complete(self) -> None:
        """As uvicorn's, which sets a timer for each answer and cancels it for the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._in_body:
            self._set_timer(_LINGER_SECONDS)
        else:
            self._idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._set_keep_alive(self.timeout_keep_alive)

    def _set_keep_alive(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Nothing, as long as the connection is open: its timer runs on."""

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._in_head or self._in_body or self._refusing or not self.cycle.response_complete:
            return  # another timer bounds this, or the answer sets the next
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._set_keep_alive(left)
        else:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _set_timer(self, seconds: float | None) -> None:
        """Set when to close the connection, unless this is called again before. None: not by this timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._in_body and self.flow.read_paused:  # we are the side that does not read
            self._set_timer(BODY_SECONDS)
        else:
            self._close_now()

    def _linger(self, size: int) -> None:
        self._linger_bytes += size
        if self._linger_bytes > _LINGER_BYTES and not self.transport.is_closing():
            self._close_now()

    def _close_now(self) -> None:
        self._may_linger = False
        self.transport.close()

    def _refuse_headers(self) -> None:
        self._refuse(431, "headers_too_large", f"The headers have more than {MAX_HEADER_BYTES} bytes.")

    def _refuse_framing(self) -> None:
        if self.cycle.response_started:
            self._close_now()
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self._refuse_headers()

    def _refuse(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        body = msgspec.json.encode(error_body(code, message))
        headers: dict[str, Any] = {
            "content-type": "application/json",
            "content-length": len(body),
            "connection": "close",
        }
        if retry_after is not None:
            headers["retry-after"] = retry_after
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._refusing = True
        self._in_head = self._in_body = False
        self.transport.write(STATUS_LINE[status] + lines.encode() + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._set_timer(_LINGER_SECONDS)


class _Cycle(RequestResponseCycle):
    """A request and its answer, which may be sent in one step (WHOLE_ANSWER in meeteasy/core/asgi.py)."""

    async def send(self, message: Any) -> None:
        if message["type"] != WHOLE_ANSWER:
            await super().send(message)
            return
        # What uvicorn does for two messages, and without checking each header of each answer.
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[message["status"]]]
        lines += [_render_header(*header) for header in self.default_headers]
        lines += [_render_header(*header) for header in message["headers"]]
        if CLOSE_HEADER in self.default_headers:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(_render_header(*CLOSE_HEADER))
        lines += [b"\r\n", b"" if self.scope["method"] == "HEAD" else message["body"]]
        self.transport.write(b"".join(lines))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


# uvicorn makes them by this name, and has no other way to choose their class.
httptools_impl.RequestResponseCycle = _Cycle  # type: ignore[misc]


# Kept: most answers have the same few. Not many, as a header may be long.
@lru_cache(maxsize=128)
def _render_header(name: bytes, value: bytes) -> bytes:
    """The header's line. Raises ValueError for bytes that would end it."""
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise ValueError(f"invalid header: {name!r}: {value!r}")
    return b"%b: %b\r\n" % (name, value)


class _LingeringTransport:
    """A transport that uvicorn closes after an early answer only when the rest of the body was read."""

    def __init__(self, transport: asyncio.Transport, protocol: BoundedProtocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self.write = transport.write
        self.is_closing = transport.is_closing

    def close(self) -> None:
        if not self._protocol.is_lingering:
            self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
