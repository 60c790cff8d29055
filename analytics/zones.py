"""Local dates of instants, for many events at once."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from conferences.models import Conference

# Zone offsets change on multiples of 15 minutes, so all instants of such a quarter share their local date
# (midnight falls on one, too; zones whose offset has odd seconds ended in 1972).
_QUARTER_MS = 15 * 60 * 1000
_MAX_REMEMBERED = 100_000

_remembered: dict[tuple[str, int], dt.date] = {}


def get_zones(conference_ids: Iterable[str]) -> dict[str, str]:
    """Time zones by conference id, of those that exist; read afresh, in one query."""
    return dict(Conference.objects.filter(id__in=list(conference_ids)).values_list("id", "time_zone"))


def local_date(time_zone: str, ts_ms: int) -> dt.date:
    """The calendar day of an instant (UTC milliseconds) in an IANA zone."""
    key = (time_zone, ts_ms // _QUARTER_MS)
    date = _remembered.get(key)
    if date is None:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        start = dt.datetime.fromtimestamp(key[1] * _QUARTER_MS / 1000, dt.UTC)
        date = _remembered[key] = start.astimezone(ZoneInfo(time_zone)).date()
    return date


def day_bounds(time_zone: str, date: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """[start, end) of a local day as UTC instants; 23, 24 or 25 hours apart.

    A midnight that a clock change skips stands for the first instant after the change, as PEP 495 has it.
    """
    zone = ZoneInfo(time_zone)
    start, end = (
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
        for day in (date, date + dt.timedelta(days=1))
    )
    return start, end
