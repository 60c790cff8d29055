"""Quiet hours: the hours of a conference's local day in which reminders wait."""

import datetime as dt
import zoneinfo

from conferences.models import Conference


def next_allowed(instant: dt.datetime, conference: Conference) -> dt.datetime:
    """Return `instant`, or the end of the quiet hours that it falls into (aware, any zone)."""
    quiet_from, quiet_until = conference.quiet_from, conference.quiet_until
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return instant
    local = instant.astimezone(zoneinfo.ZoneInfo(conference.time_zone))
    if not _is_within(local.time(), quiet_from, quiet_until):
        return instant
    day = local.date()
    if local.time() >= quiet_until:  # they end tomorrow
        day += dt.timedelta(days=1)
    # zoneinfo's default applies to wall-clock times that a change of the clocks skips or repeats.
    return dt.datetime.combine(day, quiet_until, tzinfo=local.tzinfo)


def _is_within(moment: dt.time, start: dt.time, end: dt.time) -> bool:
    if start < end:
        return start <= moment < end
    return moment >= start or moment < end
