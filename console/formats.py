"""Numbers, dates and times as all of the console writes them: one form per language, on 24 hours.

Instants are shown in the current zone, which pages set to the conference's.
"""

import datetime as dt
from functools import lru_cache
from typing import Any

from babel import dates, numbers
from django.utils.timezone import localtime
from django.utils.translation import get_language, to_locale


def find_locale() -> str:
    """Return the reader's locale."""
    return to_locale(get_language() or "en")


def is_english() -> bool:
    return find_locale().startswith("en")


def count(value: Any) -> str:
    """A count with the locale's separators: 12,345."""
    return _format_decimal(value, find_locale())


def day(value: dt.date | dt.datetime | None) -> str:
    """A date as the locale writes it: 12 Nov 2026, 2026年11月12日."""
    if value is None:
        return ""
    date = localtime(value).date() if isinstance(value, dt.datetime) else value
    return _format_date(date, "d MMM y" if is_english() else "long", find_locale())


def short_day(value: dt.date) -> str:
    """A date without its year: 12 Nov, 11月12日."""
    return _format_date(value, "d MMM" if is_english() else "M月d日", find_locale())


def month(value: dt.date) -> str:
    """The short name of a date's month."""
    return _format_date(value, "MMM" if is_english() else "M月", find_locale())


def days_until(first: dt.date, last: dt.date) -> str:
    """The days from one to another: 26–27 Nov 2026, 30 Oct – 12 Nov 2026, 2026年10月30日 – 11月12日."""
    if first == last:
        return day(first)
    if not is_english():
        return str(dates.format_interval(first, last, "yMMMd", locale=find_locale()))
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    return f"{short_day(first) if first.year == last.year else day(first)} – {day(last)}"


def clock(value: dt.datetime | None) -> str:
    """The time of day: 19:16."""
    return "" if value is None else f"{localtime(value):%H:%M}"


def moment(value: dt.datetime | None) -> str:
    """Date and time: 12 Nov 2026, 19:16; 2026年11月12日 19:16."""
    if value is None:
        return ""
    return f"{day(value)}{', ' if is_english() else ' '}{clock(value)}"


# A page has hundreds of numbers and dates, many of them the same, and Babel takes its time over each.
@lru_cache(maxsize=8192)
def _format_decimal(value: Any, locale: str) -> str:
    return str(numbers.format_decimal(value, locale=locale))


@lru_cache(maxsize=4096)
def _format_date(value: dt.date, pattern: str, locale: str) -> str:
    return str(dates.format_date(value, pattern, locale=locale))
