"""The channel layer's groups, and the set of watched conferences that publishers check first.

Every few seconds a web process notes the conferences that it has open sockets for. Events of conferences
without a socket then cost a worker one look at this set, and nothing else.
"""

import asyncio
import os
import threading
import time
from functools import lru_cache
from typing import Any

import redis
from channels.layers import get_channel_layer

from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis, get_redis

log = get_logger(__name__)

WATCHED = "live:watched"
# How long a conference counts as watched after a process said so.
WATCHED_SECONDS = 30

# How many sockets each web process has open, and until when what it said counts.
_SOCKETS = "live:sockets"
_SOCKETS_UNTIL = "live:sockets:until"

# Messages of the layer. They only say that there is something to look at; the content is in the log
# (live/log.py) and the database. So a message that Redis loses can delay an alert, but not lose or reorder
# it.
NEWS = "live.news"
RECHECK = "live.recheck"


def group_name(conference_id: str) -> str:
    return f"live.{conference_id}"


def watched_conferences() -> set[str]:
    """Return the conferences that are watched now."""
    watching: list[bytes] = get_redis().zrangebyscore(WATCHED, time.time(), "+inf")  # type: ignore[assignment]
    return {conference_id.decode() for conference_id in watching}


def note_sockets(pipeline: Any, process: str, count: int) -> None:
    """Add to a pipeline that a web process has so many sockets open. It counts for WATCHED_SECONDS."""
    pipeline.hset(_SOCKETS, process, count)
    pipeline.zadd(_SOCKETS_UNTIL, {process: time.time() + WATCHED_SECONDS})
    pipeline.expire(_SOCKETS, 3_600)  # a process that ended leaves its name
    pipeline.expire(_SOCKETS_UNTIL, 3_600)


def count_sockets() -> int:
    """Return how many sockets all web processes have open. Forgets those that have not said so lately."""
    client = get_quick_redis()
    counts: dict[bytes, bytes] = client.hgetall(_SOCKETS)  # type: ignore[assignment]
    living: list[bytes] = client.zrangebyscore(_SOCKETS_UNTIL, time.time(), "+inf")  # type: ignore[assignment]
    gone = counts.keys() - set(living)
    if gone:
        client.hdel(_SOCKETS, *gone)
        client.zrem(_SOCKETS_UNTIL, *gone)
    return sum(int(counts.get(process, 0)) for process in living)


def wake(conference_id: str, message_type: str = NEWS) -> None:
    """Make every web process that watches the conference look now instead of at its next tick.

    Does not wait and never fails. While Redis is away, the ticks make up for it.
    """
    sending = _send(group_name(conference_id), {"type": message_type, "conference_id": conference_id})
    asyncio.run_coroutine_threadsafe(sending, _loop_of_process(os.getpid()))


async def _send(group: str, message: dict[str, Any]) -> None:
    try:
        await get_channel_layer().group_send(group, message)
    except (redis.RedisError, OSError) as error:
        log.warning("live_wake_not_sent", group=group, error=str(error))


@lru_cache(maxsize=1)
def _loop_of_process(pid: int) -> asyncio.AbstractEventLoop:
    """Return an event loop in a thread, for workers, which have none. `async_to_sync` makes a loop for each
    call, and the layer a connection for each loop: 3.6 ms of CPU instead of 0.4."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="live-wake", daemon=True).start()
    return loop
