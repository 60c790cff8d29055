"""The one client for outbound HTTP: bounded in time and size, and barred from private addresses.

A provider's address comes from settings; a callback's or an image's address may come from a user. Either
way a request must not reach the cloud's metadata service or an internal database. So every connection is
checked at the address that is dialled, whatever name or redirect led to it (OWASP, "Server-Side Request
Forgery"). `OUTBOUND_PRIVATE_HOSTS` names the exceptions: a proxy or gateway in one's own network, and the
loopback servers of the tests.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import httpcore
import httpx
from django.conf import settings

MAX_ANSWER_BYTES = 2 * 1024 * 1024


class OutboundError(Exception):
    """No usable answer.

    reached: whether the server may have received the request. False means that nothing was sent, so
        sending it again does nothing twice.
    """

    def __init__(self, message: str, *, reached: bool) -> None:
        super().__init__(message)
        self.reached = reached


class PrivateAddressError(OutboundError):
    """The host's address is not public, and OUTBOUND_PRIVATE_HOSTS does not name the host."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} is at {address}, which is not a public address; OUTBOUND_PRIVATE_HOSTS can allow it",
            reached=False,
        )


class DeadlineError(OutboundError):
    """The whole answer did not arrive in time."""


# When the present request must have its whole answer, by time.monotonic().
_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)


def request(
    method: str,
    url: str,
    *,
    timeout_seconds: float | None = None,
    deadline_seconds: float | None = None,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
    **options: Any,
) -> httpx.Response:
    """Send a request and read the whole answer. `options` are those of `httpx.Client.request`.

    timeout_seconds: for the connection, and for every wait for a piece of the answer; by default
        settings.OUTBOUND_TIMEOUT_SECONDS. A server that sends a byte now and then never exceeds it.
    deadline_seconds: for all of it, however it arrives.

    Redirects are returned, not followed. Raises OutboundError if there is no answer, DeadlineError if it is
    not there in time; an error status is an answer.
    """
    if deadline_seconds is None:
        return _request(method, url, timeout_seconds, max_answer_bytes, options)
    token = _deadline.set(time.monotonic() + deadline_seconds)
    try:
        return _request(method, url, timeout_seconds, max_answer_bytes, options)
    finally:
        _deadline.reset(token)


def _request(
    method: str, url: str, timeout_seconds: float | None, max_answer_bytes: int, options: dict[str, Any]
) -> httpx.Response:
    timeout = httpx.Timeout(timeout_seconds or settings.OUTBOUND_TIMEOUT_SECONDS)
    try:
        with _client().stream(method, url, timeout=timeout, **options) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > max_answer_bytes:
                    raise OutboundError(f"the answer has more than {max_answer_bytes} bytes", reached=True)
            return httpx.Response(
                response.status_code, headers=_without_encoding(response), content=bytes(body),
                request=response.request,
            )  # fmt: skip
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise OutboundError(f"no connection: {error or type(error).__name__}", reached=False) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        deadline = _deadline.get()
        if deadline is not None and time.monotonic() >= deadline:
            raise DeadlineError("the whole answer did not arrive in time", reached=True) from error
        reached = not isinstance(error, httpx.InvalidURL)
        raise OutboundError(f"no answer: {error or type(error).__name__}", reached=reached) from error


def _without_encoding(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the headers without those that describe the body on the wire."""
    dropped = {"content-encoding", "content-length", "transfer-encoding"}
    return [(name, value) for name, value in response.headers.items() if name.lower() not in dropped]


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    """Return the process's client, which reuses connections. It ignores proxy variables, because a proxy
    would dial unchecked addresses."""
    transport = httpx.HTTPTransport()
    # httpx offers no public way to its connection pool's network backend; a test guards that this works.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(),
        network_backend=_CheckedBackend(),
        max_connections=20,
        max_keepalive_connections=5,
        keepalive_expiry=20,
    )
    return httpx.Client(transport=transport, follow_redirects=False, trust_env=False)


class _CheckedBackend(httpcore.NetworkBackend):
    """Dials only checked addresses: it looks the name up once and uses that address."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host}: {error}") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if host not in settings.OUTBOUND_PRIVATE_HOSTS:
            for address in addresses:
                if not ipaddress.ip_address(address.partition("%")[0]).is_global:
                    raise PrivateAddressError(host, address)
        refusal: Exception | None = None
        for address in addresses:
            try:
                timeout = _until_deadline(timeout)
                stream = self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
                return _BoundedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                refusal = failure
        raise refusal or httpcore.ConnectError(f"{host}: no address")


def _until_deadline(timeout: float | None) -> float | None:
    """Return the time that a step may take: `timeout`, but not beyond the deadline."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = max(0.001, deadline - time.monotonic())
    return left if timeout is None else min(timeout, left)


class _BoundedStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline of the request that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = _deadline.get()
        if deadline is not None and time.monotonic() >= deadline:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, _until_deadline(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _until_deadline(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _until_deadline(timeout))
        return _BoundedStream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
