"""Weeks and months of a range that is too long for a series by day."""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

from analytics.ranges.results import DayPoint, PeriodPoint
from analytics.ranges.rows import PeriodRow, start_of

# Longer ranges have a series by week, and above that by month.
MAX_DAYS_BY_DAY, MAX_DAYS_BY_WEEK = 120, 840


def find_unit(first: dt.date, last: dt.date) -> str:
    """Return the unit of a range's series: "week", "month", or "" where days are few enough."""
    days = (last - first).days + 1
    return "" if days <= MAX_DAYS_BY_DAY else "week" if days <= MAX_DAYS_BY_WEEK else "month"


def make_periods(unit: str, points: Sequence[DayPoint], found: Sequence[PeriodRow]) -> list[PeriodPoint]:
    """Add up the days of each week or month. found: their visitors, who do not add up."""
    if not unit:
        return []
    visitors = dict(found)
    periods = []
    for starts, group in groupby(points, key=lambda point: start_of(unit, point.date)):
        days = list(group)
        bots = [day.bots for day in days if day.bots is not None]
        periods.append(
            PeriodPoint(
                unit, days[0].date, days[-1].date,
                pv=sum(day.pv for day in days),
                uv=visitors.get(starts, 0),
                visits=sum(day.visits or 0 for day in days),
                registrations=sum(day.registrations for day in days),
                checkins=sum(day.checkins for day in days),
                bots=sum(bots) if bots else None,
            )
        )  # fmt: skip
    return periods
