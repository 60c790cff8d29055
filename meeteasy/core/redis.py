"""Connections to Redis, and how long each kind of caller waits for it.

By default redis-py waits for an answer without limit and retries for seconds. Here a lost connection, for
example after a restart of Redis, is reopened once, immediately.
"""

from functools import lru_cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry


def get_redis() -> redis.Redis:
    """Return the process's pool for bulk work: blocking reads, thousands of rows. Bytes in, bytes out."""
    return _pool(settings.REDIS_URL, 10, 3, 30)


def get_quick_redis() -> redis.Redis:
    """Return the process's pool for requests, which prefer an early error to a late answer."""
    return _pool(settings.REDIS_URL, 2, 1, 0)


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


@lru_cache
def _pool(url: str, timeout: float, connect_timeout: float, check_after: float) -> redis.Redis:
    """Make a pool. Times are in seconds. check_after: a connection idle for longer is tested before use."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=check_after,
        retry=Retry(NoBackoff(), 1),
    )


def connect_async(*, timeout: float = 2) -> "redis.asyncio.Redis":
    """Return a pool for the running event loop; the caller closes it. `timeout` is in seconds.

    A hung server is not asked twice, because that would cost a second time-out.
    """
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=1, retry=retry
    )
