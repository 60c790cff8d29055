"""Connections to Redis, and how long each kind of caller waits for it.

By default redis-py waits for an answer without limit and retries for seconds. Here a lost connection, for
example after a restart of Redis, is reopened once, immediately.
"""

import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

# After an answer that did not come in time, requests of this process ask for none for so long. Each of them
# may ask several times: without this, a hung Redis would hold all threads of the web server.
HANG_SECONDS = 3
_hangs_until = 0.0


def is_hanging() -> bool:
    """Whether Redis did not answer in time a moment ago."""
    return time.monotonic() < _hangs_until


def note_hang() -> None:
    global _hangs_until
    _hangs_until = time.monotonic() + HANG_SECONDS


def _check() -> None:
    if is_hanging():
        raise redis.TimeoutError("Redis did not answer a moment ago.")


class _Bounded:
    """A connection's first base class: while Redis hangs, it raises TimeoutError at once."""

    def connect(self) -> None:
        _check()
        try:
            super().connect()  # type: ignore[misc]
        except redis.TimeoutError:
            note_hang()
            raise

    def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        # Before anything is sent: an answer that nobody reads would be taken for the next one.
        _check()
        super().send_packed_command(*args, **kwargs)  # type: ignore[misc]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except redis.TimeoutError:
            note_hang()
            raise


class _BoundedConnection(_Bounded, redis.Connection):
    pass


class _BoundedSSLConnection(_Bounded, redis.SSLConnection):
    pass


class _BoundedUnixConnection(_Bounded, redis.UnixDomainSocketConnection):
    pass


_CONNECTIONS = {"rediss": _BoundedSSLConnection, "unix": _BoundedUnixConnection}


def quick_options(url: str) -> dict[str, Any]:
    """Return a pool's options for requests, which prefer an early error to a late answer."""
    return _options(url, timeout=2, connect_timeout=1)


def _options(url: str, *, timeout: float, connect_timeout: float) -> dict[str, Any]:
    """Times are in seconds. A lost connection is reopened once; a hung server is not asked twice."""
    return {
        "connection_class": _CONNECTIONS.get(urlsplit(url).scheme, _BoundedConnection),
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    }


@lru_cache
def _patient_pool(url: str) -> redis.Redis:
    # A connection that was idle for longer than half a minute is tested before use.
    options = _options(url, timeout=10, connect_timeout=3)
    return redis.Redis.from_url(url, **options, health_check_interval=30)


@lru_cache
def _quick_pool(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, **quick_options(url))


def get_redis() -> redis.Redis:
    """Return the process's pool for bulk work: blocking reads, thousands of rows. Bytes in, bytes out."""
    return _patient_pool(settings.REDIS_URL)


def get_quick_redis() -> redis.Redis:
    """Return the process's pool for requests (`quick_options`)."""
    return _quick_pool(settings.REDIS_URL)


def read_clock(client: redis.Redis) -> float:
    """Return the seconds since 1970 by Redis' own clock, the one that all hosts share."""
    now: Any = client.time()
    return float(now[0] + now[1] / 1_000_000)


# A key that lives longer than it was given was set before the clock of Redis' host was set back.
_TAKE_GATE = """
local left = redis.call('PTTL', KEYS[1])
if left ~= -2 and left <= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
return 1
"""


def take_gate(client: redis.Redis, key: str, *, milliseconds: int, longest: int = 0) -> bool:
    """Close a gate for some time, unless it is closed already. Returns whether this call closed it.

    longest: the longest time, in milliseconds, for which any caller closes this gate, if not ours.
    """
    return bool(client.eval(_TAKE_GATE, 1, key, milliseconds, max(milliseconds, longest)))


def connect_async(*, timeout: float = 2) -> "redis.asyncio.Redis":
    """Return a pool for the running event loop; the caller closes it. `timeout` is in seconds.

    A hung server is not asked twice, because that would cost a second time-out.
    """
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=1, retry=retry
    )
