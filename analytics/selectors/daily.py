"""Reading daily summaries."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet

from analytics.days.figures import figure_names
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


def make_row(summary: DailySummary) -> dict[str, Any]:
    """A summary with each figure by its name."""
    return {
        "date": summary.date.isoformat(),
        "conference_id": summary.conference_id,
        **{name: summary.figures.get(name, 0) for name in figure_names()},
        "revision": summary.revision,
        "computed_at": summary.computed_at.isoformat(),
        "closed_at": summary.closed_at and summary.closed_at.isoformat(),
    }
