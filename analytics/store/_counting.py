"""Counting a day's events in one statement, as it suits PostgreSQL."""

import datetime as dt
from typing import NamedTuple

from django.db.models import Count, QuerySet

from analytics.models import Event


class DayCount(NamedTuple):
    """Of the events of one type on one day."""

    events: int
    distinct_subjects: int


def count_views(conference_id: str, date: dt.date, *, is_bot: bool) -> int:
    """Page views of a conference's local day, by bots or by all others."""
    return _views_of(conference_id, date, is_bot=is_bot).count()


def find_viewers(conference_id: str, date: dt.date, *, using: str) -> list[str]:
    """See analytics.store.find_viewers."""
    views = _views_of(conference_id, date, is_bot=False).using(using)
    return list(views.order_by().values_list("subject", flat=True).distinct())


def _views_of(conference_id: str, date: dt.date, *, is_bot: bool) -> QuerySet[Event]:
    return Event.objects.filter(
        conference_id=conference_id,
        local_date=date,
        is_bot__in=[is_bot],  # SQLite looks up `is_bot` alone in no index
        type="page_view",
    )


def count_day(conference_id: str, date: dt.date, *, using: str) -> dict[str, DayCount]:
    """See analytics.store.count_day."""
    rows = (
        Event.objects.using(using)
        .filter(conference_id=conference_id, local_date=date, is_bot=False)
        .values_list("type")
        .annotate(events=Count("*"), distinct_subjects=Count("subject", distinct=True))
        .order_by()
    )
    return {type_name: DayCount(events, subjects) for type_name, events, subjects in rows}
