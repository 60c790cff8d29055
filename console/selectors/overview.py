"""What the overview shows of a range of days. Days are those of the daily summaries; visitors of a range are
counted afresh, never added up."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models import DailySummary, Event
from conferences.models import Conference
from console import charts
from console.remembering import remember
from console.selectors import credit_rows
from console.selectors.people import name_sharers
from console.shell import zone_of
from sharing.rules.credit_models import DEFAULT
from sharing.selectors import credits as sums

CHART_HEIGHT = 176
BEST = 6
MAX_DAYS = 400
# By the name in the address: label and number of days; None: from the first day on.
RANGES: dict[str, tuple[Any, int | None]] = {
    "today": (_("Today"), 1),
    "7": (_("7 days"), 7),
    "14": (_("14 days"), 14),
    "30": (_("30 days"), 30),
    "all": (_("All"), None),
}
DEFAULT_RANGE = "14"
_SUMMED = ("pv", "registrations", "registrations_reported", "checkins", "share_conversions", "shares")


@dataclass(frozen=True)
class Range:
    """The days that are looked at, both included, in the conference's zone. now: an instant of today."""

    name: str
    first: dt.date
    last: dt.date
    now: dt.datetime
    zone: dt.tzinfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def today(self) -> dt.date:
        return timezone.localdate(self.now, self.zone)

    @property
    def has_today(self) -> bool:
        return self.last == self.today

    @property
    def dates(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=number) for number in range(self.days)]

    @property
    def before(self) -> tuple[dt.date, dt.date]:
        """The equally long period before."""
        return self.first - dt.timedelta(days=self.days), self.first - dt.timedelta(days=1)


def read_range(conference: Conference, given: Mapping[str, str], *, now: dt.datetime | None = None) -> Range:
    """Return the range that an address names by `range`, or `from` and `to`; else the last 14 days."""
    now, zone = now or timezone.now(), zone_of(conference)
    today = timezone.localdate(now, zone)
    own = _read_dates(given, today)
    if own is not None:
        return Range("", *own, now, zone)
    name = given.get("range", DEFAULT_RANGE)
    name = name if name in RANGES else DEFAULT_RANGE
    days = RANGES[name][1]
    if days is not None:
        return Range(name, today - dt.timedelta(days=days - 1), today, now, zone)
    dates = DailySummary.objects.filter(conference_id=conference.id).order_by("date")
    first = dates.values_list("date", flat=True).first() or today
    earliest = today - dt.timedelta(days=MAX_DAYS - 1)
    return Range(name, max(earliest, min(first, today)), today, now, zone)


def _read_dates(given: Mapping[str, str], today: dt.date) -> tuple[dt.date, dt.date] | None:
    try:
        first, last = dt.date.fromisoformat(given["from"]), dt.date.fromisoformat(given["to"])
    except (KeyError, ValueError):
        return None
    last = min(last, today)
    return (first, last) if first <= last and (last - first).days < MAX_DAYS else None


def read_days(conference: Conference, span: Range) -> dict[dt.date, dict[str, int]]:
    """Return the figures of each day of the range and of the period before it, in one query."""
    rows = DailySummary.objects.filter(
        conference_id=conference.id, date__gte=span.before[0], date__lte=span.last
    )
    return dict(rows.values_list("date", "figures"))


def sum_days(days: Mapping[dt.date, dict[str, int]], first: dt.date, last: dt.date) -> dict[str, int]:
    """Return the sums of the figures that add up."""
    found = dict.fromkeys(_SUMMED, 0)
    for date, figures in days.items():
        if first <= date <= last:
            for name in _SUMMED:
                found[name] += figures.get(name, 0)
    return found


def count_visitors(conference: Conference, span: Range) -> dict[str, Any]:
    """Return distinct visitors and openers of the range, those of the same hours before, and bots' hits.

    None is what cannot be known because events of some of the days are deleted: distinct visitors of days do
    not add up.
    """
    sealed = conference.events_deleted_before
    key = f"overview:{conference.id}:{span.first}:{span.last}:{span.has_today}:{sealed}"
    return remember(key, lambda: _count_visitors(conference, span))


def _count_visitors(conference: Conference, span: Range) -> dict[str, Any]:
    events = Event.objects.filter(conference_id=conference.id).order_by()
    people = events.filter(is_bot__in=[False])
    here = people.filter(local_date__gte=span.first, local_date__lte=span.last)
    first, last = span.before
    # The unfinished day is compared with as much of its counterpart.
    before = people.filter(local_date__gte=first, local_date__lte=last, type="page_view")
    if span.has_today:
        before = before.filter(ts__lte=span.now - dt.timedelta(days=span.days))
    bots = events.filter(
        is_bot__in=[True], type="page_view", local_date__gte=span.first, local_date__lte=span.last
    ).values("local_date").annotate(count=Count("id"))  # fmt: skip
    by_day = dict(bots.values_list("local_date", "count"))
    sealed = conference.events_deleted_before or span.before[0]
    visitors: int | None = None
    if span.first >= sealed:
        visitors = _count_distinct(here.filter(type="page_view"), "subject")
    else:  # page views before that are deleted: a day's own figures stay
        summaries = DailySummary.objects.filter(conference_id=conference.id, date__gte=span.first)
        kept = dict(summaries.filter(date__lte=span.last).values_list("date", "figures"))
        by_day = {date: bots for date, of_day in kept.items() if (bots := of_day.get("bots", 0))}
        if span.days == 1:
            visitors = kept.get(span.first, {}).get("uv", 0)
    counts: dict[str, Any] = {"visitors_before": None, "views_before": None}
    if span.before[0] >= sealed:
        of_visitors = before.values("subject").annotate(views=Count("id"))
        counts = of_visitors.aggregate(
            visitors_before=Count("subject"), views_before=Coalesce(Sum("views"), 0)
        )
    return {
        "visitors": visitors,
        "openers": _count_distinct(here.filter(type="share_open").exclude(visitor_id=""), "visitor_id"),
        "opens": here.filter(type="share_open").count(),
        **counts,
        "bots": sum(by_day.values()),
        "bots_by_day": by_day,
    }


def _count_distinct(events: QuerySet[Event], field: str) -> int:
    """By rows, not by count(DISTINCT): to MongoDB that is a set, which must fit into a document."""
    return int(events.values(field).distinct().count())


def draw_days(span: Range, days: Mapping[dt.date, dict[str, int]], figure: str) -> dict[str, Any]:
    """Return the chart of days: bars, lines for the same days of the period before, today hatched."""
    values = [days.get(date, {}).get(figure, 0) for date in span.dates]
    shift = dt.timedelta(days=span.days)
    before = [days.get(date - shift, {}).get(figure, 0) for date in span.dates]
    ceiling = charts.nice_ceiling(max([*values, *before], default=0))
    bars = charts.draw_bars(values, before, height=CHART_HEIGHT, ceiling=ceiling)
    step = max(1, round(span.days / 14))
    items = []
    for number, (bar, date, value, was) in enumerate(zip(bars, span.dates, values, before, strict=True)):
        items.append(
            {
                "bar": bar, "date": date, "value": value, "before": was, "figures": days.get(date, {}),
                "is_labelled": (span.days - 1 - number) % step == 0, "is_unfinished": date == span.today,
                "names_month": number == 0 or date.day == 1,
            }
        )  # fmt: skip
    return {
        "items": items, "axis": charts.draw_axis(ceiling, height=CHART_HEIGHT), "height": CHART_HEIGHT,
        "least": min(values), "most": max(values), "has_before": any(before),
    }  # fmt: skip


def read_leaders(conference: Conference, span: Range) -> dict[str, Any]:
    """Return the best sharers of the registrations of the range, by name, and the distinct total."""
    days = (span.first, span.last)
    rows, count = credit_rows.read_sharers(conference, days, DEFAULT, limit=BEST)
    totals = sums.get_totals(conference, days)
    people = name_sharers(conference, [row["sharer"] for row in rows])
    most = max((row["credit"] for row in rows), default=0) or 1
    shown = [
        {
            "person": people[row["sharer"]], "registrations": row["registrations"],
            "width": charts.as_percent(row["credit"] / most),
        }
        for row in rows
    ]  # fmt: skip
    rest = totals["credits"] - sum(row["registrations"] for row in rows)
    return {"rows": shown, "others": max(0, count - len(rows)), "rest": max(0, rest), "totals": totals}


def read_channels(conference: Conference, span: Range) -> list[dict[str, Any]]:
    """Return the channels of the range by their credit."""
    rows, _count = credit_rows.read_channels(conference, (span.first, span.last), DEFAULT, limit=BEST)
    most = max((row["opens"] for row in rows), default=0) or 1
    return [{**row, "width": charts.as_percent(row["opens"] / most)} for row in rows]


def draw_doors(
    conference: Conference, other: Conference | None, *, now: dt.datetime
) -> dict[str, Any] | None:
    """Return the curve of registrations by days until the doors open, beside another conference's.

    None for a conference without a date.
    """
    if conference.starts_at is None:
        return None
    own = _cumulate(conference, now=now)
    then = _cumulate(other, now=now) if other is not None else []
    reach = max([days for days, _total in (*own, *then)], default=0)
    reach = max(7, min(reach, 365))
    most = max([total for _days, total in (*own, *then)], default=0)
    ceiling = charts.nice_ceiling(max(most, conference.capacity or 0))
    return {
        "points": _points(own, reach, ceiling), "then": _points(then, reach, ceiling),
        "area": _area(own, reach, ceiling), "total": own[-1][1] if own else 0,
        "left": max(0, own[-1][0]) if own else 0, "other": other,
        "other_total": _total_at(then, own[-1][0]) if own else 0,
        "capacity_y": _y(conference.capacity, ceiling) if conference.capacity else None,
        "axis": charts.draw_axis(ceiling, height=CHART_HEIGHT), "height": CHART_HEIGHT,
        "ticks": [{"x": charts.as_percent(1 - days / reach), "days": days}
                  for days in sorted({reach, reach * 2 // 3, reach // 3, 0}, reverse=True)],
        "table": own,
    }  # fmt: skip


def _cumulate(conference: Conference, *, now: dt.datetime) -> list[tuple[int, int]]:
    """Return (days until the doors, registrations so far) for each day with a change, up to today."""
    zone = zone_of(conference)
    assert conference.starts_at is not None
    doors = timezone.localdate(conference.starts_at, zone)
    rows = DailySummary.objects.filter(conference_id=conference.id).order_by("date")
    total, found = 0, []
    for date, figures in rows.values_list("date", "figures"):
        if new := figures.get("registrations", 0):
            total += new
            found.append(((doors - date).days, total))
    today = (doors - timezone.localdate(now, zone)).days
    if found and today < found[-1][0]:
        found.append((max(0, today), total))
    return found


def _points(curve: Sequence[tuple[int, int]], reach: int, ceiling: int) -> str:
    return " ".join(
        f"{100 * (1 - days / reach):.2f},{_y(total, ceiling)}" for days, total in curve if 0 <= days <= reach
    )


def _area(curve: Sequence[tuple[int, int]], reach: int, ceiling: int) -> str:
    inside = [(days, total) for days, total in curve if 0 <= days <= reach]
    if not inside:
        return ""
    first, last = (f"{100 * (1 - inside[place][0] / reach):.2f}" for place in (0, -1))
    return f"{first},{CHART_HEIGHT} {_points(curve, reach, ceiling)} {last},{CHART_HEIGHT}"


def _y(total: int, ceiling: int) -> float:
    return round(CHART_HEIGHT - CHART_HEIGHT * total / ceiling, 1)


def _total_at(curve: Sequence[tuple[int, int]], days_left: int) -> int:
    """Return how many there were with as many days left."""
    return max((total for days, total in curve if days >= days_left), default=0)
