"""What the overview shows of a range of days: figures beside the period before, a chart, the funnel, panels.

The figures are those of analytics.selectors.summary, so they are the API's, too.
"""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from analytics.days.zones import day_bounds
from analytics.ranges.results import DayPoint, HourPoint, Summary, Totals
from analytics.selectors.summary import get_summary, sum_up_days
from conferences.models import Conference
from console import charts, panels
from console.asking import FIGURES, Asked
from console.formats import day, days_until, moment, month
from console.remembering import remember
from console.selectors import credit_rows
from console.selectors.people import name_sharers
from sharing.rules.credit_models import DEFAULT
from sharing.selectors import credits as sums

ROWS = 10  # of a panel: as many as are prepared (analytics/preparing.py)
BEST = 8
_EARLIER = 20
# Labels of the axis that have room side by side.
_LABELS = 14
_MONTH_LABELS = 7
# Which page says what a figure consists of: address of a name.
OpensTo = Callable[[str], str]


def no_page(figure: str) -> str:
    """Return no address: for readers who see the figures only."""
    return ""


def opens_to(conference: Conference, asked: Asked) -> OpensTo:
    """Return the addresses of what each figure consists of."""

    def find(figure: str) -> str:
        if figure == "share_conversions":
            return reverse("console-sharing", args=[conference.id])
        return reverse("console-figure", args=[conference.id, figure]) + asked.query()

    return find


def read_overview(conference: Conference, asked: Asked, *, opens: OpensTo) -> dict[str, Any]:
    """Return what the page shows of the range. Raises NotReadyError while too much must be summed up."""
    span = asked.span
    if asked.is_beyond_retention:
        summary = sum_up_days(conference, first=span.first, last=span.last, now=span.now)
    else:
        summary = get_summary(
            conference, first=span.first, last=span.last, filters=asked.filters, compare=True, limit=ROWS,
            now=span.now,
        )  # fmt: skip
    before_doors = _days_to_doors(conference, summary.totals, now=span.now)
    return {
        "summary": summary,
        "tiles": _make_tiles(summary, opens),
        "days_to_doors": before_doors,
        # People are scanned at the door, not in a visit; the funnel says how many of these visitors were.
        "checkins_are_elsewhere": bool(asked.filters) and not summary.totals.checkins,
        "present": _find_fullest_day(conference, summary),
        "chart": draw_chart(conference, summary, asked),
        "funnel": _make_funnel(summary, opens, has_opened=before_doors is None),
        "cards": panels.lay_out(summary.panels, asked) if summary.panels else [],
        "is_empty": not (summary.totals.pv or summary.totals.registrations or _before(summary, "pv")),
    }


def _days_to_doors(conference: Conference, totals: Totals, *, now: dt.datetime) -> int | None:
    """Return in how many days the doors open; None once somebody could have checked in."""
    doors = conference.starts_at
    is_before = doors is not None and doors > now and not totals.checkins
    return (doors - now).days if is_before and doors else None


def _before(summary: Summary, name: str) -> float | None:
    return getattr(summary.comparison.totals, name) if summary.comparison else None


def _find_fullest_day(conference: Conference, summary: Summary) -> DayPoint | None:
    """Return the day of the range on which most attendees came; None where check-ins say it all: at
    conferences of one day, and while nobody came."""
    if not conference.lasts_days:
        return None
    fullest = max(summary.days, key=lambda point: point.present or 0)
    return fullest if fullest.present else None


# By the name of a figure (console/selectors/figures.py), or of a rate: the field of the totals.
_TILES = {
    "visitors": "uv", "views": "pv", "visits": "visits", "opens": "share_opens", "checkins": "checkins",
    "registrations": "registrations", "bounce_rate": "bounce_rate", "duration": "duration_seconds",
}  # fmt: skip


def _make_tiles(summary: Summary, opens: OpensTo) -> dict[str, dict[str, Any]]:
    """Return the figures with those of the same hours before."""
    tiles = {
        name: _compare(getattr(summary.totals, field), _before(summary, field), opens(name))
        for name, field in _TILES.items()
    }
    tiles["share_conversions"] = _compare(summary.totals.share_conversions, None, opens("share_conversions"))
    return tiles


def _compare(now: float | None, before: float | None, url: str) -> dict[str, Any]:
    change = (now - before) / before if before and now is not None else None
    return {"now": now, "before": before, "change": change, "is_up": (now or 0) >= (before or 0), "url": url}


_STEPS = {
    "page_view": "visitors",
    "share_open": "opens",
    "registration": "registrations",
    "checkin": "checkins",
}


def _make_funnel(summary: Summary, opens: OpensTo, *, has_opened: bool) -> list[dict[str, Any]]:
    """From a page view to the door, by distinct visitors. has_opened: the doors have."""
    whole = summary.funnel[0].visitors if summary.funnel else 0
    found = []
    for step in summary.funnel:
        count = step.visitors if has_opened or step.step != "checkin" else None
        part = count / whole if whole and count is not None else None
        found.append({"name": step.step, "count": count, "part": part, "url": opens(_STEPS[step.step])})
    return found


def draw_chart(conference: Conference, summary: Summary, asked: Asked) -> dict[str, Any]:
    """Return the chart: bars of hours, days, weeks or months, lines for the period before, the unfinished
    one hatched. Attendees of a day do not add up, so they stay days."""
    field = FIGURES[asked.figure]
    by = asked.by
    if by == "hour":
        items = _hours(conference, summary, asked)
    elif summary.periods and hasattr(summary.periods[0], field):
        items, by = _periods(summary, asked), summary.periods[0].unit
    else:
        items = _days(conference, summary, asked)
    values = [getattr(item["point"], field, 0) or 0 for item in items]
    before = _drop_leading_zeros(
        [getattr(item["before"], field) if item["before"] else None for item in items]
    )
    ceiling = charts.nice_ceiling(max([*values, *(value or 0 for value in before)], default=0))
    bars = charts.draw_bars(values, before, height=charts.HEIGHT, ceiling=ceiling)
    has_before = any(before)
    for item, bar, value, was in zip(items, bars, values, before, strict=True):
        item |= {"bar": bar, "value": value, "was": was if has_before else None}
    return {
        "items": items, "axis": charts.draw_axis(ceiling, height=charts.HEIGHT), "height": charts.HEIGHT,
        "least": min(values), "most": max(values), "has_before": has_before, "by": by,
    }  # fmt: skip


def _drop_leading_zeros(values: list[int | None]) -> list[int | None]:
    """Return None for what was before anything was counted: a line at 0 would say that nobody came."""
    begins = next((place for place, value in enumerate(values) if value), len(values))
    return [None] * begins + values[begins:]


def _days(conference: Conference, summary: Summary, asked: Asked) -> list[dict[str, Any]]:
    before = summary.comparison.days if summary.comparison else []
    count = len(summary.days)
    step = max(1, round(count / _LABELS))
    return [
        {
            "point": point, "before": before[place] if place < len(before) else None, "at": point.date,
            "name": day(point.date), "label": point.date.day if (count - 1 - place) % step == 0 else "",
            "below": month(point.date) if place == 0 or point.date.day == 1 else "",
            "is_unfinished": point.date == asked.span.today, "query": asked.query(day=point.date),
        }
        for place, point in enumerate(summary.days)
    ]  # fmt: skip


def _periods(summary: Summary, asked: Asked) -> list[dict[str, Any]]:
    """A slot for each week or month. Labels are months; the year stands below its first one."""
    labelled: list[int] = []
    gap = math.ceil(len(summary.periods) / _MONTH_LABELS)
    for place, point in reversed(list(enumerate(summary.periods))):
        begins = not place or point.first.month != summary.periods[place - 1].first.month
        if begins and (not labelled or labelled[-1] - place >= gap):
            labelled.append(place)
    years = {summary.periods[place].first.year: place for place in labelled}
    return [
        {
            "point": point, "before": None, "at": point.first, "name": days_until(point.first, point.last),
            "label": month(point.first) if place in labelled else "",
            "below": point.first.year if years.get(point.first.year) == place else "",
            "is_unfinished": point.last == asked.span.today,
            "query": asked.query(days=(point.first, point.last)),
        }
        for place, point in enumerate(summary.periods)
    ]  # fmt: skip


def _hours(conference: Conference, summary: Summary, asked: Asked) -> list[dict[str, Any]]:
    """A slot for each hour of the days, those to come included."""
    span = asked.span
    known = {point.begins_at: point for point in summary.hours}
    before = _by_number(conference, summary)
    found: list[dict[str, Any]] = []
    for point in summary.days:
        start, end = day_bounds(conference.time_zone, point.date)
        hours = range(round((end - start) / dt.timedelta(hours=1)))
        for number in hours:
            at = (start + dt.timedelta(hours=number)).astimezone(span.zone)
            label = (
                (at.hour if number % 3 == 0 else "") if span.days == 1 else "" if number else point.date.day
            )
            names_month = span.days > 1 and number == 0 and (point.date.day == 1 or not found)
            found.append(
                {
                    "point": known.get(at), "before": before.get(number), "at": at, "label": label,
                    "name": moment(at), "below": month(point.date) if names_month else "",
                    "is_unfinished": at <= span.now < at + dt.timedelta(hours=1), "query": "",
                }
            )  # fmt: skip
    return found


def _by_number(conference: Conference, summary: Summary) -> dict[int, HourPoint]:
    """Return the hours of the day before a single day by their number since midnight."""
    hours = summary.comparison.hours if summary.comparison else []
    if not hours:
        return {}
    start, _end = day_bounds(conference.time_zone, hours[0].begins_at.date())
    return {round((hour.begins_at - start) / dt.timedelta(hours=1)): hour for hour in hours}


def read_leaders(conference: Conference, asked: Asked) -> dict[str, Any]:
    """Return the best sharers of the registrations of the range, by name, and the distinct total."""
    days = (asked.span.first, asked.span.last)
    rows, count, totals = remember(
        f"leaders:{conference.id}:{days[0]}:{days[1]}",
        lambda: (
            *credit_rows.read_sharers(conference, days, DEFAULT, limit=BEST),
            sums.get_totals(conference, days),
        ),
    )
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


def find_earlier(mine: QuerySet[Conference], conference: Conference) -> list[Conference]:
    """Return conferences that began before this one, to compare with; the latest first."""
    if conference.starts_at is None:
        return []
    earlier = mine.exclude(pk=conference.pk).filter(starts_at__lt=conference.starts_at - dt.timedelta(days=1))
    return list(earlier.order_by("-starts_at")[:_EARLIER])
