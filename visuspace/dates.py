"""Dates and times of a conference as its visitors read them: in its own zone and their language."""

import datetime as dt
import zoneinfo

from babel.core import Locale
from babel.dates import format_date, format_datetime, get_timezone_location

# British English has the day before the month and 24 hours, which most visitors of an English page read well.
_LOCALES = {"en": "en_GB", "zh-hans": "zh_Hans_CN"}


def find_locale(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, "en_GB"))


def format_days(starts_at: dt.datetime, ends_at: dt.datetime | None, *, zone: str, language: str) -> str:
    """Return the days from the first to the last, e.g. “26–27 November 2026”."""
    zone_info = zoneinfo.ZoneInfo(zone)
    first = starts_at.astimezone(zone_info).date()
    # A conference that ends at midnight has no further day.
    last = (ends_at.astimezone(zone_info) - dt.timedelta(microseconds=1)).date() if ends_at else first
    if last <= first:
        return _format(first, "d MMMM y", "y年M月d日", language)
    if (last.year, last.month) == (first.year, first.month):
        return f"{_format(first, 'd', 'y年M月d日', language)}–{_format(last, 'd MMMM y', 'd日', language)}"
    beginning = ("d MMMM", "y年M月d日") if last.year == first.year else ("d MMMM y", "y年M月d日")
    ending = ("d MMMM y", "M月d日" if last.year == first.year else "y年M月d日")
    return f"{_format(first, *beginning, language)} – {_format(last, *ending, language)}"


def _format(day: dt.date, other: str, chinese: str, language: str) -> str:
    pattern = chinese if language.startswith("zh") else other
    return str(format_date(day, pattern, locale=find_locale(language)))


def format_day(day: dt.date, *, language: str) -> str:
    """Return a day of an agenda without its year, e.g. “Thursday, 26 November”."""
    return _format(day, "EEEE, d MMMM", "M月d日 EEEE", language)


def format_moment(moment: dt.datetime, *, zone: str, language: str) -> str:
    """Return a day and time without its zone, e.g. “Thursday 26 November 2026, 09:00”."""
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    pattern = "y年M月d日EEEE HH:mm" if language.startswith("zh") else "EEEE d MMMM y, HH:mm"
    return str(format_datetime(local, pattern, locale=find_locale(language)))


def format_short_moment(moment: dt.datetime, *, zone: str, language: str) -> str:
    """Return a day and time without year and zone, e.g. “24 November, 18:00”."""
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    pattern = "M月d日 HH:mm" if language.startswith("zh") else "d MMMM, HH:mm"
    return str(format_datetime(local, pattern, locale=find_locale(language)))


def name_zone(zone: str, *, language: str) -> str:
    """Return the place whose time it is, e.g. “Shanghai”."""
    return str(get_timezone_location(zoneinfo.ZoneInfo(zone), locale=find_locale(language), return_city=True))
