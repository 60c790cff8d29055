"""Local dates of instants, for many events at once."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from conferences.models import Conference
from meeteasy.core import statements
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# Every zone's midnights have fallen on multiples of 15 minutes since 1972, when the last offset with odd
# seconds ended; so all instants of such a quarter share their day.
QUARTER_MS = 15 * 60 * 1000
_MAX_REMEMBERED = 100_000

_remembered: dict[tuple[str, int], dt.date] = {}


def get_zones(conference_ids: Iterable[str]) -> dict[str, str]:
    """Time zones by conference id, of those that exist; read afresh, in one query.

    A zone whose name this machine's zone data does not know is left out, as if there were no such conference:
    its events wait, and cost no others.
    """
    found = statements.select(Conference, ("id", "time_zone"), key="id", among=list(conference_ids))
    return {conference_id: time_zone for conference_id, time_zone in found if _is_known(time_zone)}


@lru_cache(maxsize=1024)
def _is_known(time_zone: str) -> bool:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        log.error("zone_unknown", time_zone=time_zone)
        return False
    return True


@lru_cache(maxsize=1024)
def zone_version(time_zone: str) -> str:
    """16 hex characters that change when a release of `tzdata` changes the zone; "" for an unknown one."""
    if not _is_known(time_zone):
        return ""
    file = resources.files("tzdata").joinpath("zoneinfo", *time_zone.split("/"))
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def local_date(time_zone: str, ts_ms: int) -> dt.date:
    """The day of an instant (UTC milliseconds) in an IANA zone: the one whose `day_bounds` it lies in.

    Nearly always the date of the wall clock. But where clocks went back over midnight (Newfoundland, 00:01
    to 23:01, until 2011), that hour belongs to the day which had begun, not to the one before again.
    """
    key = (time_zone, ts_ms // QUARTER_MS)
    date = _remembered.get(key)
    if date is None:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        start = dt.datetime.fromtimestamp(key[1] * QUARTER_MS / 1000, dt.UTC)
        zone = ZoneInfo(time_zone)
        date = start.astimezone(zone).date()
        tomorrow = date + dt.timedelta(days=1)
        if _first_instant(zone, tomorrow) <= start:
            date = tomorrow
        _remembered[key] = date
    return date


class LocalDates(dict[int, dt.date]):
    """The days of one zone by quarters: `dates[ts_ms // QUARTER_MS]`, without a call for each event."""

    def __init__(self, time_zone: str) -> None:
        super().__init__()
        self._time_zone = time_zone

    def __missing__(self, quarter: int) -> dt.date:
        date = self[quarter] = local_date(self._time_zone, quarter * QUARTER_MS)
        return date


def day_bounds(time_zone: str, date: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """[start, end) of a local day as UTC instants; 23, 24 or 25 hours apart.

    A midnight that a clock change skips stands for the first instant after the change, as PEP 495 has it.
    """
    zone = ZoneInfo(time_zone)
    return _first_instant(zone, date), _first_instant(zone, date + dt.timedelta(days=1))


def _first_instant(zone: ZoneInfo, date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)
