"""The list of time zones, with the city's name in the reader's language and the local time."""

import datetime as dt
import zoneinfo
from functools import lru_cache

from babel import Locale
from babel.dates import get_timezone, get_timezone_location
from django.utils import timezone
from django.utils.translation import get_language, to_locale


def list_zones(*, now: dt.datetime | None = None) -> list[dict[str, str]]:
    """Return `{"name", "label"}` of all zones: `Asia/Shanghai`, `上海 · 14:37 · UTC+08:00`."""
    now = now or timezone.now()
    cities = _cities(to_locale(get_language() or "en"))
    return [{"name": name, "label": f"{city} · {clock(name, now=now)}"} for name, city in cities]


def clock(name: str, *, now: dt.datetime | None = None) -> str:
    """Return the local time and offset of a zone, as `14:37 · UTC+08:00`."""
    local = (now or timezone.now()).astimezone(zoneinfo.ZoneInfo(name))
    return f"{local:%H:%M} · {local:UTC%z}"[:-2] + ":" + f"{local:%z}"[-2:]


@lru_cache(maxsize=8)
def _cities(locale: str) -> list[tuple[str, str]]:
    known = Locale.parse(locale)
    names = sorted(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")
    names = [name for name in names if not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))]
    return [(name, get_timezone_location(get_timezone(name), known, return_city=True)) for name in names]
