"""Counting who is there: distinct visitors of some minutes, in one or two statements."""

import datetime as dt
from collections.abc import Collection

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from analytics.event_types import EVENT_TYPES
from analytics.models import Event

# What the server itself notes is nothing that a visitor did.
TYPES = [name for name, event_type in EVENT_TYPES.items() if not event_type.internal]
# A view is of its subject even where cookies are not wanted; everything else needs a visitor's id.
_VISITOR = Case(
    When(type="page_view", then=F("subject")), When(~Q(visitor_id=""), then=F("visitor_id")),
    default=Value(None),
)  # fmt: skip


def count_present(
    conference_ids: Collection[str],
    dates: Collection[dt.date],
    *,
    since: dt.datetime,
    until: dt.datetime,
    using: str,
) -> dict[str, int]:
    """See analytics.store.count_present."""
    events = Event.objects.using(using).filter(
        conference_id__in=list(conference_ids),
        local_date__in=list(dates),
        is_bot__in=[False],  # SQLite looks up NOT is_bot in no index
        ts__gte=since,
        ts__lte=until,
    )
    events = events.order_by()
    if len(conference_ids) == 1:
        (conference_id,) = conference_ids
        return {conference_id: _count_of_one(events)}
    counted = events.filter(type__in=TYPES).values("conference_id")
    counted = counted.annotate(visitors=Count(_VISITOR, distinct=True))
    return dict(counted.values_list("conference_id", "visitors"))


def _count_of_one(events: QuerySet[Event]) -> int:
    """Reads a short part of the day index, which is in the order of time (docs/adr/0004). It covers the page
    views, nearly all of the events."""
    viewers = events.filter(type="page_view").values_list("subject")
    others = events.filter(type__in=[name for name in TYPES if name != "page_view"]).exclude(visitor_id="")
    return viewers.union(others.values_list("visitor_id")).count()
