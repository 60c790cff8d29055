"""When digests are due, and of which days. All in the conference's zone; weeks begin on Monday."""

import datetime as dt
from zoneinfo import ZoneInfo

from conferences.models import Conference
from console.models import Digest

MORNING = dt.time(8)
Period = Digest.Period


def last_morning(period: str, conference: Conference, *, now: dt.datetime) -> dt.datetime:
    """Return when the latest digest was due, in the conference's zone. Weeks begin on Monday."""
    zone = ZoneInfo(conference.time_zone)
    local = now.astimezone(zone)
    date = local.date() if local.time() >= MORNING else local.date() - dt.timedelta(days=1)
    if period == Period.WEEKLY:
        date -= dt.timedelta(days=date.weekday())
    return dt.datetime.combine(date, MORNING, tzinfo=zone)


def next_morning(period: str, conference: Conference, *, now: dt.datetime) -> dt.datetime:
    """Return when the next digest is due, in the conference's zone."""
    morning = last_morning(period, conference, now=now)
    days = 7 if period == Period.WEEKLY else 1
    return dt.datetime.combine(morning.date() + dt.timedelta(days=days), MORNING, tzinfo=morning.tzinfo)


def first_day(period: str, last: dt.date) -> dt.date:
    """Return the first day of the period that ends with `last`."""
    return last - dt.timedelta(days=6) if period == Period.WEEKLY else last
