"""Find the rows of local days of a conference."""

import datetime as dt

from django.db import connection
from django.db.models import Q

from analytics.days.zones import day_bounds
from conferences.models import Conference

# The first and last day, both included; None means that end is open.
Range = tuple[dt.date | None, dt.date | None]

# Before and after all instants, where a statement needs bounds.
FIRST_MS, LAST_MS = -(2**62), 2**62


def in_range(conference: Conference, days: Range, field: str) -> Q:
    """The condition that a field of instants (UTC milliseconds) is within these days."""
    start_ms, end_ms = get_bounds(conference, days)
    condition = Q()
    if start_ms is not None:
        condition &= Q(**{f"{field}__gte": start_ms})
    if end_ms is not None:
        condition &= Q(**{f"{field}__lt": end_ms})
    return condition


def get_bounds(conference: Conference, days: Range) -> tuple[int | None, int | None]:
    """The first instant of these days, and the first after them, in UTC milliseconds; None: no limit."""
    first, last = days
    return (
        None if first is None else _bounds_ms(conference.time_zone, first)[0],
        None if last is None else _bounds_ms(conference.time_zone, last)[1],
    )


def count_days(
    conference_id: str, time_zone: str, first: dt.date, last: dt.date
) -> dict[dt.date, dict[str, int]]:
    """Count the links first shared and the share conversions of each day from `first` to `last`.

    It takes one query, in which each day is a range of an index. The ORM cannot join to ranges that are not a
    table. The database cannot compute local dates: analytics/days/zones.py gives the instants of each day.
    """
    days = [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
    bounds = [_bounds_ms(time_zone, day) for day in days]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH day(number, start_ms, end_ms) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(days))}) "  # noqa: S608
            "SELECT number, "
            "(SELECT COUNT(*) FROM sharing_sharelink "
            "WHERE conference_id = %s AND shared_ms IS NOT NULL AND shared_ms >= start_ms "
            "AND shared_ms < end_ms AND NOT is_void), "
            "(SELECT COUNT(*) FROM sharing_shareconversion "
            "WHERE conference_id = %s AND registered_ms >= start_ms AND registered_ms < end_ms) FROM day",
            [
                *(value for number, pair in enumerate(bounds) for value in (number, *pair)),
                conference_id,
                conference_id,
            ],
        )
        found = cursor.fetchall()
    return {
        days[number]: {"shares": shares, "share_conversions": conversions}
        for number, shares, conversions in found
    }


def _bounds_ms(time_zone: str, day: dt.date) -> tuple[int, int]:
    start, end = day_bounds(time_zone, day)
    return round(start.timestamp() * 1000), round(end.timestamp() * 1000)
