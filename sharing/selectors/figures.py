"""Figures of days and of ranges of days."""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F

from analytics.days.zones import get_zones
from analytics.models import Event
from conferences.models import Conference
from sharing.models import ShareLink
from sharing.selectors.conversions import get_conversions
from sharing.selectors.days import Range, count_days, in_range


def count_day(conference_id: str, date: dt.date) -> dict[str, int]:
    """Count the links first shared and the conversions on a local day; 0 if the conference is not known."""
    zone = get_zones([conference_id]).get(conference_id)
    if zone is None:
        return {"shares": 0, "share_conversions": 0}
    return count_days(conference_id, zone, date, date)[date]


def get_timeline(conference: Conference, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """The shares, opens and share conversions of each local day from `first` to `last`, both included."""
    opens = dict(
        Event.objects.filter(
            conference_id=conference.id, local_date__gte=first, local_date__lte=last, is_bot=False,
            type="share_open",
        ).values_list("local_date").annotate(count=Count("*")).order_by()
    )  # fmt: skip
    counted = count_days(conference.id, conference.time_zone, first, last)
    return [
        {"date": day.isoformat(), "opens": opens.get(day, 0), **figures}
        for day, figures in sorted(counted.items())
    ]


# SQLite reads so many links of a range by time, each from its row. From more of them on, reading the index of
# all sharers of the conference costs less: it has all that is asked for, in an order that needs no sorting.
# PostgreSQL chooses by its statistics.
_MOST_BY_TIME = 20_000


def get_k_factor(conference: Conference, days: Range) -> dict[str, Any]:
    """Attributed registrations of these days / distinct sharers of links first shared on them."""
    conversions = get_conversions(conference, days).count()
    sharers = _count_sharers(conference, days)
    return {
        "share_conversions": conversions,
        "sharers": sharers,
        "k_factor": conversions / sharers if sharers else None,
    }


def _count_sharers(conference: Conference, days: Range) -> int:
    """The distinct sharers of links first shared on these days."""
    links = ShareLink.objects.filter(conference_id=conference.id, shared_ms__isnull=False, is_void=False)
    found = links.filter(in_range(conference, days, "shared_ms"))
    is_range = days != (None, None)
    if connection.vendor == "sqlite" and is_range and found[:_MOST_BY_TIME].count() == _MOST_BY_TIME:
        # As an expression, for which no index of times can be used.
        at = ExpressionWrapper(F("shared_ms") + 0, output_field=BigIntegerField())
        found = links.annotate(at=at).filter(in_range(conference, days, "at"))
    return found.order_by().values("sharer").distinct().count()
