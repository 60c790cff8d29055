"""The curve of registrations by days until the doors open."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from analytics.models import DailySummary
from conferences.models import Conference
from console import charts
from console.shell import zone_of

_REACH = 365  # days
_LEAST_REACH = 7
Curve = list[tuple[int, int]]


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
    reach = max(_LEAST_REACH, min(reach, _REACH))
    most = max([total for _days, total in (*own, *then)], default=0)
    ceiling = charts.nice_ceiling(max(most, conference.capacity or 0))
    return {
        "points": _points(own, reach, ceiling), "then": _points(then, reach, ceiling),
        "area": _area(own, reach, ceiling), "total": own[-1][1] if own else 0,
        "left": max(0, own[-1][0]) if own else 0, "other": other,
        "other_total": _total_at(then, own[-1][0]) if own else 0,
        "capacity_y": _y(conference.capacity, ceiling) if conference.capacity else None,
        "axis": charts.draw_axis(ceiling, height=charts.HEIGHT), "height": charts.HEIGHT,
        "ticks": [{"x": charts.as_percent(1 - days / reach), "days": days}
                  for days in sorted({reach, reach * 2 // 3, reach // 3, 0}, reverse=True)],
        "table": _tabulate(own, then, has_other=other is not None),
    }  # fmt: skip


def _cumulate(conference: Conference, *, now: dt.datetime) -> Curve:
    """Return (days until the doors, registrations so far) for each day with a change, up to today."""
    if conference.starts_at is None:
        return []
    zone = zone_of(conference)
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


def _tabulate(own: Curve, then: Curve, *, has_other: bool) -> list[Mapping[str, int | None]]:
    """One row for each day with a change of either. registered: None for days that are still to come."""
    until = own[-1][0] if own else 0
    days = sorted({left for left, _total in (*own, *then)}, reverse=True)
    return [
        {
            "left": left,
            "registered": _total_at(own, left) if left >= until else None,
            "then": _total_at(then, left) if has_other else None,
        }
        for left in days
    ]


def _points(curve: Curve, reach: int, ceiling: int) -> str:
    return " ".join(
        f"{100 * (1 - days / reach):.2f},{_y(total, ceiling)}" for days, total in curve if 0 <= days <= reach
    )


def _area(curve: Curve, reach: int, ceiling: int) -> str:
    inside = [(days, total) for days, total in curve if 0 <= days <= reach]
    if not inside:
        return ""
    first, last = (f"{100 * (1 - inside[place][0] / reach):.2f}" for place in (0, -1))
    return f"{first},{charts.HEIGHT} {_points(curve, reach, ceiling)} {last},{charts.HEIGHT}"


def _y(total: int, ceiling: int) -> float:
    return round(charts.HEIGHT - charts.HEIGHT * total / ceiling, 1)


def _total_at(curve: Sequence[tuple[int, int]], days_left: int) -> int:
    """Return how many there were with as many days left."""
    return max((total for days, total in curve if days >= days_left), default=0)
