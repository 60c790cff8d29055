"""Figures of days and of ranges of days."""

import datetime as dt
from typing import Any

from django.db.models import Count

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


def get_k_factor(conference: Conference, days: Range) -> dict[str, Any]:
    """Attributed registrations of these days / distinct sharers of links first shared on them."""
    conversions = get_conversions(conference, days).count()
    sharers = (
        ShareLink.objects.filter(
            in_range(conference, days, "shared_ms"), conference_id=conference.id, shared_ms__isnull=False,
            is_void=False,
        )
        .values("sharer").distinct().count()
    )  # fmt: skip
    return {
        "share_conversions": conversions,
        "sharers": sharers,
        "k_factor": conversions / sharers if sharers else None,
    }
