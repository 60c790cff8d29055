"""Live counters in Redis: only what may be repeated without counting twice.

Who is here now is a sorted set (visitor → last page view): adding a visitor again changes nothing. Today's
figures are counted from the store (selectors/live.py), because an INCR that follows an insert is either
lost in a crash between the two or counted twice after it.

A conference's set keeps its latest MAX_VISITORS at most, so that a flood of made-up visitors cannot fill the
Redis that the stream needs too. A count that has reached it says "at least so many".
"""

import datetime as dt
from collections.abc import Sequence

from analytics.rows import EventRow
from analytics.stream import get_redis

NOW_MS = 5 * 60 * 1000
MAX_VISITORS = 200_000


def _key(conference_id: str) -> str:
    return f"live:visitors:{conference_id}"


def note_visitors(events: Sequence[EventRow]) -> None:
    """Remember the visitors of page views of the last 5 minutes, by event time; bots are left out."""
    seen: dict[str, dict[str, int]] = {}
    oldest = int(dt.datetime.now(dt.UTC).timestamp() * 1000) - NOW_MS
    for event in events:
        ts_ms, visitor_id = event.ts_ms, event.visitor_id
        if ts_ms >= oldest and visitor_id and not event.is_bot and event.local_date is not None:
            visitors = seen.get(event.conference_id)
            if visitors is None:
                visitors = seen[event.conference_id] = {}
            if ts_ms > visitors.get(visitor_id, 0):
                visitors[visitor_id] = ts_ms
    if not seen:
        return
    pipeline = get_redis().pipeline(transaction=False)
    for conference_id, visitors in seen.items():
        key = _key(conference_id)
        pipeline.zadd(key, visitors, gt=True)
        pipeline.zremrangebyscore(key, "-inf", f"({oldest}")
        pipeline.zremrangebyrank(key, 0, -(MAX_VISITORS + 1))
        pipeline.pexpire(key, NOW_MS)
    pipeline.execute()


def count_visitors_now(conference_id: str, *, now: dt.datetime) -> int:
    """Distinct visitors with a page view in the 5 minutes before `now`, MAX_VISITORS at most."""
    oldest = int(now.timestamp() * 1000) - NOW_MS
    return int(get_redis().zcount(_key(conference_id), oldest, "+inf"))
