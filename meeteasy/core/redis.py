"""Connections to Redis, and how long each kind of caller waits for it.

redis-py by itself waits for an answer as long as it takes, and tries again for seconds. Here a connection
that was lost, as after a restart of Redis, is made anew once, at once.
"""

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry


def get_redis() -> redis.Redis:
    """The process's pool for work in bulk: blocking reads, thousands of rows. Bytes in, bytes out."""
    return _pool(settings.REDIS_URL, 10, 3, 30)


def get_quick_redis() -> redis.Redis:
    """The process's pool for where somebody waits, who would rather hear that Redis is away."""
    return _pool(settings.REDIS_URL, 2, 1, 0)


@lru_cache
def _pool(url: str, timeout: float, connect_timeout: float, check_after: float) -> redis.Redis:
    """Seconds all. check_after: a connection that was idle for so long is tried before it is used."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=check_after,
        retry=Retry(NoBackoff(), 1),
    )


def connect_async(*, timeout: float = 2) -> "redis.asyncio.Redis":
    """A pool of the running event loop; to be closed by the caller. `timeout` in seconds.

    A server that hangs is not asked twice: that would take the second time-out as well.
    """
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=1, retry=retry
    )
