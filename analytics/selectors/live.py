"""Today's figures so far, and the visitors of the last minutes."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils import timezone

from analytics import store
from analytics.days.figures import compute_figures
from analytics.days.zones import local_date
from conferences.models import Conference

VISITOR_MINUTES = 5
# Everything is counted from the store, so it is exact, and at most this often per conference, however many
# watch; what takes long is counted less often (5 % of a core at most).
_MIN_SECONDS = 1
_SHARE_OF_A_CORE = 0.05

_T = TypeVar("_T")


def get_live(
    conference: Conference, *, now: dt.datetime | None = None, fresh: bool = False
) -> dict[str, Any]:
    """Today's figures of the conference's local day so far, and the visitors of the last 5 minutes.

    fresh: count now; the caller limits how often.
    """
    now = now or timezone.now()
    date = _local_date(conference, now)

    def remember(name: str, count: Callable[[], _T]) -> _T:
        return count() if fresh else _remember(f"live:{name}:{conference.id}:{date.isoformat()}", count)

    return {
        "conference_id": conference.id,
        "date": date.isoformat(),
        **remember("figures", lambda: compute_figures(conference.id, date)),
        "visitors_now": remember("visitors", lambda: count_visitors_now(conference, now=now)),
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


def _remember(key: str, count: Callable[[], _T]) -> _T:
    """The result of `count`, now or a short while ago."""
    found: _T | None = cache.get(key)
    if found is None:
        started = time.monotonic()
        found = count()
        cache.set(key, found, timeout=_cache_seconds(time.monotonic() - started))
    return found


def _cache_seconds(took: float) -> int:
    return max(_MIN_SECONDS, round(took / _SHARE_OF_A_CORE))
