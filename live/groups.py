"""Who watches: the channel layer's groups, and the set of watched conferences that publishers ask first.

A web process says every few seconds which conferences it has open sockets for. A delivery of events for
conferences that nobody watches then costs a worker one look at this set, and nothing else.
"""

import time
from typing import Any

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from analytics.stream import get_redis
from meeteasy.logs import get_logger

log = get_logger(__name__)

WATCHED = "live:watched"
# A conference counts as watched for so long after a process said so.
WATCHED_SECONDS = 30

# Messages of the layer. They say that there is something to look at, never what: the log (live/log.py) and
# the database have that, so a message that Redis loses delays an alert, and cannot lose or reorder one.
NEWS = "live.news"
RECHECK = "live.recheck"


def group_name(conference_id: str) -> str:
    return f"live.{conference_id}"


def watched_conferences() -> set[str]:
    """The conferences that somebody watches now."""
    watching = get_redis().zrangebyscore(WATCHED, time.time(), "+inf")
    return {conference_id.decode() for conference_id in watching}


def wake(conference_id: str, message_type: str = NEWS) -> None:
    """Have every web process that watches the conference look now instead of at its next tick.

    Never raises for a Redis that is away: the ticks make up for it.
    """
    message: dict[str, Any] = {"type": message_type, "conference_id": conference_id}
    try:
        async_to_sync(get_channel_layer().group_send)(group_name(conference_id), message)
    except (redis.RedisError, OSError) as error:
        log.warning("live_wake_not_sent", conference_id=conference_id, error=str(error))
