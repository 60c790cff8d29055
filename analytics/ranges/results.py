"""What a summary of a range consists of."""

import datetime as dt

import msgspec

from analytics.ranges.filters import Filter
from analytics.ranges.rows import Panel

# By name in the API: the dimension (analytics/ranges/columns.py).
PANELS = {
    "pages": "page",
    "entry_pages": "entry_page",
    "referrers": "referrer",
    "groups": "group",
    "sources": "utm_source",
    "mediums": "utm_medium",
    "campaigns": "utm_campaign",
    "channels": "channel",
    "devices": "device",
    "browsers": "browser",
    "systems": "os",
    "apps": "app",
    "countries": "country",
}


# Of the funnel: types of events.
STEPS = ("page_view", "share_open", "registration", "checkin")


class Totals(msgspec.Struct):
    """What a range comes to. With filters: of the visits that they select.

    duration_seconds: of an average visit, from its first event to its last. bounce_rate: the part of visits
    that were one page view and nothing else. None is what is not known: with filters, of a period before, of
    days whose events are deleted.
    """

    pv: int
    uv: int | None
    visits: int | None
    bounces: int | None
    bounce_rate: float | None
    duration_seconds: float | None
    share_opens: int | None
    registrations: int
    checkins: int
    registrations_reported: int | None = None
    shares: int | None = None
    share_conversions: int | None = None
    bots: int | None = None


class DayPoint(msgspec.Struct):
    """visits: those that began on that day, of the range's. present: distinct attendees who came in; they do
    not add up. bots: their page views. Both are None with filters."""

    date: dt.date
    pv: int
    uv: int
    visits: int | None
    registrations: int
    checkins: int
    present: int | None = None
    bots: int | None = None


class HourPoint(msgspec.Struct):
    """begins_at: of the hour, in the conference's zone."""

    begins_at: dt.datetime
    pv: int
    uv: int
    registrations: int
    checkins: int


class PeriodPoint(msgspec.Struct):
    """The days of the range in a calendar week or month, from `first` to `last`, both included.

    unit: "week" or "month". uv: distinct in them. All else is the sum of the days.
    """

    unit: str
    first: dt.date
    last: dt.date
    pv: int
    uv: int
    visits: int
    registrations: int
    checkins: int
    bots: int | None


class Step(msgspec.Struct):
    """step: an event type. visitors: distinct ones who did it."""

    step: str
    visitors: int


class Comparison(msgspec.Struct):
    """The period before, as long as the range.

    until: where it is cut, if the range is not over yet. days: cut there, too. hours: of a single day only.
    """

    first: dt.date
    last: dt.date
    until: dt.datetime | None
    totals: Totals
    days: list[DayPoint]
    hours: list[HourPoint]


class Summary(msgspec.Struct):
    """What `get_summary` gives.

    as_of: what is not in totals and days is at least as new as this. periods: weeks or months, of ranges that
    are too long for a series by day.
    """

    conference_id: str
    time_zone: str
    first: dt.date
    last: dt.date
    filters: list[Filter]
    as_of: dt.datetime
    totals: Totals
    comparison: Comparison | None
    days: list[DayPoint]
    hours: list[HourPoint]
    funnel: list[Step]
    panels: dict[str, Panel]
    periods: list[PeriodPoint] = []
