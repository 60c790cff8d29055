"""Today's figures so far, and the visitors of the last minutes."""

import datetime as dt
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from django.utils import timezone

from analytics import store
from analytics.days.figures import compute_figures
from analytics.days.zones import local_date
from conferences.models import Conference
from meeteasy.core.redis import get_quick_redis

VISITOR_MINUTES = 5
# Everything is counted from the store, so it is exact, and at most this often per conference, however many
# watch; what takes long is counted less often (5 % of a core at most).
_MIN_SECONDS = 1
_SHARE_OF_A_CORE = 0.05


def get_live(
    conference: Conference, *, now: dt.datetime | None = None, fresh: bool = False
) -> dict[str, Any]:
    """Today's figures of the conference's local day so far, and the visitors of the last 5 minutes.

    fresh: count now; the caller limits how often. Raises RedisError, if it is not fresh.
    """
    now = now or timezone.now()
    date = _local_date(conference, now)
    if fresh:
        return _count(conference, date, now)
    redis, key = get_quick_redis(), f"live:{conference.id}:{date.isoformat()}"
    known: Any = redis.get(key)
    if known is not None:
        return dict(msgspec.json.decode(known))
    started = time.monotonic()
    found = _count(conference, date, now)
    redis.set(key, msgspec.json.encode(found), ex=_keep_seconds(time.monotonic() - started))
    return found


def _count(conference: Conference, date: dt.date, now: dt.datetime) -> dict[str, Any]:
    return {
        "conference_id": conference.id,
        "date": date.isoformat(),
        **compute_figures(conference.id, date),
        "visitors_now": count_visitors_now(conference, now=now),
    }


def count_visitors_now(conference: Conference, *, now: dt.datetime) -> int:
    """Distinct visitors with an event in the 5 minutes before `now`, by event time, without bots."""
    return count_visitors_now_of([conference], now=now).get(conference.id, 0)


def count_visitors_now_of(conferences: Sequence[Conference], *, now: dt.datetime) -> dict[str, int]:
    """`count_visitors_now` of several conferences in one query, by conference id; 0 where one is missing."""
    since = now - dt.timedelta(minutes=VISITOR_MINUTES)
    dates = {_local_date(conference, instant) for conference in conferences for instant in (since, now)}
    ids = [conference.id for conference in conferences]
    return store.count_present(ids, dates, since=since, until=now)


def _local_date(conference: Conference, instant: dt.datetime) -> dt.date:
    return local_date(conference.time_zone, round(instant.timestamp() * 1000))


def _keep_seconds(took: float) -> int:
    return max(_MIN_SECONDS, round(took / _SHARE_OF_A_CORE))
