"""What the questions about a range give."""

import datetime as dt
from typing import NamedTuple

import msgspec


class Visits(NamedTuple):
    """Of a range. duration_ms: of all of them together."""

    pv: int = 0
    uv: int = 0
    visits: int = 0
    bounces: int = 0
    duration_ms: int = 0
    share_opens: int = 0
    registrations: int = 0
    checkins: int = 0


class DayRow(NamedTuple):
    """visits: those that began on the day."""

    date: dt.date
    pv: int = 0
    uv: int = 0
    visits: int = 0
    registrations: int = 0
    checkins: int = 0


class HourRow(NamedTuple):
    """hour: whole ones since the day's midnight."""

    date: dt.date
    hour: int
    pv: int
    uv: int
    registrations: int
    checkins: int


class PeriodRow(NamedTuple):
    """Of a week or month, as far as it is in the range. starts: its first calendar day."""

    starts: dt.date
    uv: int


class Occurrence(NamedTuple):
    """An event as a list shows it: what is known of it but whose it is. ts: UTC milliseconds."""

    ts: int
    page: str
    referrer: str
    channel: str
    device: str
    browser: str
    app: str
    country: str


class PanelRow(msgspec.Struct, frozen=True, gc=False):
    """count: page views, shares or visits, as the panel has it."""

    value: str
    count: int
    visitors: int


class Panel(NamedTuple):
    """others_count, others_values: of the values that are not among `rows`."""

    rows: list[PanelRow]
    others_count: int
    others_values: int


def start_of(unit: str, date: dt.date) -> dt.date:
    """The first calendar day of a date's month, or else of its week, a Monday."""
    return date.replace(day=1) if unit == "month" else date - dt.timedelta(days=date.weekday())


class Answers(msgspec.Struct):
    """What segments say about a range. days, hours, periods: those that have any. funnel: visitors of each
    step."""

    visits: Visits
    days: list[DayRow]
    hours: list[HourRow]
    funnel: list[int]
    panels: dict[str, Panel]
    periods: list[PeriodRow] = []
