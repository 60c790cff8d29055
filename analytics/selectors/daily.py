"""Reading daily summaries."""

import datetime as dt

from django.db.models import QuerySet

from analytics.models import DailySummary


def get_summaries(
    conference_id: str, *, first: dt.date | None = None, last: dt.date | None = None
) -> QuerySet[DailySummary]:
    """The summaries of a conference in the order of days, from `first` to `last`, both included."""
    summaries = DailySummary.objects.filter(conference_id=conference_id).order_by("date")
    if first is not None:
        summaries = summaries.filter(date__gte=first)
    if last is not None:
        summaries = summaries.filter(date__lte=last)
    return summaries
