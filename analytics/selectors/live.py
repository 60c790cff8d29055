"""Today's figures so far, and the visitors of the last minutes."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.cache import cache
from django.db.models import Case, Count, F, Q, Value, When
from django.utils import timezone

from analytics.days.figures import compute_figures
from analytics.days.zones import local_date
from analytics.event_types import EVENT_TYPES
from analytics.models import Event
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
    """Distinct visitors with an event in the 5 minutes before `now`, by event time, without bots.

    Reads a short part of the day index, which is in the order of time (docs/adr/0004). It covers the page
    views, nearly all of the events.
    """
    since = now - dt.timedelta(minutes=VISITOR_MINUTES)
    events = Event.objects.filter(
        conference_id=conference.id,
        local_date__in={_local_date(conference, since), _local_date(conference, now)},
        is_bot__in=[False],  # SQLite looks up NOT is_bot in no index
        ts__gte=since,
        ts__lte=now,
    ).order_by()
    viewers = events.filter(type="page_view").values("subject").distinct()
    types = [name for name, event_type in EVENT_TYPES.items() if not event_type.internal]
    others = events.filter(type__in=[name for name in types if name != "page_view"]).exclude(visitor_id="")
    return viewers.count() + (others.exclude(visitor_id__in=viewers).values("visitor_id").distinct().count())


def count_visitors_now_of(conferences: Sequence[Conference], *, now: dt.datetime) -> dict[str, int]:
    """`count_visitors_now` of several conferences in one query, by conference id, without those with none."""
    since = now - dt.timedelta(minutes=VISITOR_MINUTES)
    dates = {_local_date(conference, instant) for conference in conferences for instant in (since, now)}
    visitor = Case(
        When(type="page_view", then=F("subject")), When(~Q(visitor_id=""), then=F("visitor_id")),
        default=Value(None),
    )  # fmt: skip
    events = Event.objects.filter(
        conference_id__in=[conference.id for conference in conferences],
        local_date__in=dates,
        is_bot__in=[False],
        type__in=[name for name, event_type in EVENT_TYPES.items() if not event_type.internal],
        ts__gte=since,
        ts__lte=now,
    )
    counted = events.order_by().values("conference_id").annotate(visitors=Count(visitor, distinct=True))
    return dict(counted.values_list("conference_id", "visitors"))


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
