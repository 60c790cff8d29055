"""Counting who is there: distinct visitors of some minutes, in one or two statements."""

import datetime as dt
from collections.abc import Collection

from django.db import connections
from django.db.models import Case, Count, F, Q, Value, When

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
    if len(conference_ids) == 1:
        (conference_id,) = conference_ids
        return {conference_id: _count_of_one(conference_id, dates, since=since, until=until, using=using)}
    events = Event.objects.using(using).filter(
        conference_id__in=list(conference_ids),
        local_date__in=list(dates),
        is_bot__in=[False],  # SQLite looks up NOT is_bot in no index
        ts__gte=since,
        ts__lte=until,
        type__in=TYPES,
    )
    counted = events.order_by().values("conference_id").annotate(visitors=Count(_VISITOR, distinct=True))
    return dict(counted.values_list("conference_id", "visitors"))


def _count_of_one(
    conference_id: str, dates: Collection[dt.date], *, since: dt.datetime, until: dt.datetime, using: str
) -> int:
    """Reads a short part of the day index, which is in the order of time (docs/adr/0004). It covers the page
    views, nearly all of the events. Not by the ORM, which takes longer to write this than it takes to count.
    """
    connection = connections[using]
    adapt = connection.ops
    found = (
        f"FROM {Event._meta.db_table} WHERE conference_id = %s AND is_bot IN (%s) "
        f"AND local_date IN ({_places(dates)}) AND ts >= %s AND ts <= %s AND type IN "
    )
    values = [
        conference_id, False, *(adapt.adapt_datefield_value(date) for date in dates),
        adapt.adapt_datetimefield_value(since), adapt.adapt_datetimefield_value(until),
    ]  # fmt: skip
    others = [name for name in TYPES if name != "page_view"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM (SELECT subject {found} (%s) UNION "  # noqa: S608
            f"SELECT visitor_id {found} ({_places(others)}) AND visitor_id <> '') AS visitor",
            [*values, "page_view", *values, *others],
        )
        return int(cursor.fetchone()[0])


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))
