"""Rate limit for all workers of one provider: the generic cell rate algorithm, in Redis.

Each message gets the next free slot, and its worker waits for it. A worker does not take a slot that is too
far away, so that it does not hold a job that it cannot send yet.
"""

from typing import Any

from redis import RedisError

from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis

log = get_logger(__name__)

_TAKE_SLOT = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local wait = slot - now
if wait > tonumber(ARGV[2]) then return -wait end
redis.call('SET', KEYS[1], slot + ARGV[1], 'PX', math.ceil(wait + ARGV[1] + 1000))
return wait
"""


def take_slot(name: str, *, per_second: float, wait_at_most_seconds: float) -> tuple[bool, float]:
    """Return (whether we got a slot, seconds until it). Without Redis there is no limit: mail must go out."""
    if per_second <= 0:
        return True, 0.0
    try:
        interval_ms, patience_ms = 1000 / per_second, wait_at_most_seconds * 1000
        key = f"notifications:rate:{name}"
        wait_ms: Any = get_quick_redis().eval(_TAKE_SLOT, 1, key, interval_ms, patience_ms)
    except RedisError as error:
        log.warning("rate_limit_off", provider=name, error=str(error))
        return True, 0.0
    return wait_ms >= 0, abs(wait_ms) / 1000
