"""The figures of a day that come from the tree."""

import datetime as dt

from analytics.zones import day_bounds, get_zones
from sharing.models import ShareConversion, ShareLink


def count_day(conference_id: str, date: dt.date) -> dict[str, int]:
    """Links first shared, and share conversions, on a local day of the conference; 0 if it is not known."""
    zone = get_zones([conference_id]).get(conference_id)
    if zone is None:
        return {"shares": 0, "share_conversions": 0}
    first, end = (round(instant.timestamp() * 1000) for instant in day_bounds(zone, date))
    return {
        "shares": ShareLink.objects.filter(
            conference_id=conference_id, first_ms__gte=first, first_ms__lt=end
        ).count(),
        "share_conversions": ShareConversion.objects.filter(
            conference_id=conference_id, frozen_ms__gte=first, frozen_ms__lt=end
        ).count(),
    }
