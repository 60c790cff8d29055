"""Summaries of a range of days: totals, series, funnel and panels, with filters and a comparison."""

import datetime as dt
from collections.abc import Collection, Sequence
from zoneinfo import ZoneInfo

from django.utils import timezone

from analytics import store
from analytics.days.figures import compute_figures
from analytics.days.zones import day_bounds, local_date
from analytics.models import DailySummary
from analytics.ranges.engine import take_turn
from analytics.ranges.filters import Filter
from analytics.ranges.results import (
    PANELS,
    STEPS,
    Comparison,
    DayPoint,
    HourPoint,
    PeriodPoint,
    Step,
    Summary,
    Totals,
)
from analytics.ranges.rows import DayRow, HourRow, Occurrence, Panel, Visits
from analytics.ranges.segments import MAX_AGE, Day, ensure_days, read_files
from analytics.selectors.answers import MAX_ROWS as MAX_ROWS
from analytics.selectors.answers import Question, answer, note_watched
from analytics.selectors.periods import find_unit, make_periods
from conferences.models import Conference
from meeteasy.core.together import Together

MAX_DAYS = 1_830
# A series by hour has at most as many hours as a month.
MAX_DAYS_BY_HOUR = 31
MAX_CSV_ROWS = 50_000
# Ranges up to today that consoles offer; answers to them are prepared (analytics/preparing.py).
USUAL_DAYS = (1, 7, 28, 90)
# Of days that have summaries: each counts on one day, so the days add up.
_OF_DAYS = ("registrations", "checkins", "registrations_reported", "shares", "share_conversions", "bots")


class BeyondRetentionError(Exception):
    """Some days of the range have no events any more. first_kept: the first day that has."""

    def __init__(self, first_kept: dt.date) -> None:
        super().__init__(f"events before {first_kept} were deleted")
        self.first_kept = first_kept


def get_summary(
    conference: Conference,
    *,
    first: dt.date,
    last: dt.date,
    filters: Sequence[Filter] = (),
    compare: bool = False,
    panels: Sequence[str] = tuple(PANELS),
    limit: int = 10,
    now: dt.datetime | None = None,
    is_asked: bool = True,
) -> Summary:
    """Sum up the local days from `first` to `last`, both included.

    filters: each selects the visits that contain a match; all of them must. compare: also the figures of the
    period before, up to the same moment if the range's last day is unfinished. panels: names of PANELS.
    limit: rows of each panel. is_asked: whether somebody looks, for whom the next answers shall be prepared.
    Raises NotReadyError while too much must be summed up first, and BeyondRetentionError. A comparison with
    days whose events are deleted is left out.
    """
    _check_kept(conference, first)
    if is_asked:
        note_watched(conference.id)
    now = now or timezone.now()
    today = local_today(conference, now)
    before = first_of_both(first, last)
    compare = compare and (conference.events_deleted_before or before) <= before
    found = ensure_days(conference.id, before if compare else first, last, today=today)
    days: Sequence[Day] = [day for day in found if day.date >= first]
    question = Question(
        conference.id, first, tuple(filters), None, tuple(panels), limit,
        has_hours=(last - first).days < MAX_DAYS_BY_HOUR, unit=find_unit(first, last),
    )  # fmt: skip
    answers, days = answer(question, days, today=today, may_lag=is_asked)
    totals = _totals(answers.visits)
    points = _all_days(answers.days, first, last)
    if not filters:
        _add_days(totals, points, conference.id, days, today=today)
    periods = make_periods(question.unit, points, answers.periods)
    if not filters:
        _bring_up_to_date(totals, points, periods, conference.id, days, today=today)
    comparison = None
    if compare:
        built_at = days[-1].built_at if days and days[-1].date == today else now
        former = [day for day in found if day.date < first]
        comparison = _compare(conference, question, last, former, now=now, today=today, built_at=built_at)
    return Summary(
        conference_id=conference.id,
        time_zone=conference.time_zone,
        first=first,
        last=last,
        filters=list(filters),
        as_of=min((day.built_at for day in days if not day.is_exact), default=now),
        totals=totals,
        comparison=comparison,
        days=points,
        hours=_hours(conference, answers.hours),
        funnel=[Step(step, visitors) for step, visitors in zip(STEPS, answers.funnel, strict=True)],
        panels=answers.panels,
        periods=periods,
    )


def sum_up_days(
    conference: Conference, *, first: dt.date, last: dt.date, now: dt.datetime | None = None
) -> Summary:
    """The figures of days some of whose events are deleted: what their own summaries say, which stay.

    Distinct visitors of the range are not among them, nor what else needs the events.
    """
    now = now or timezone.now()
    summaries = DailySummary.objects.filter(conference_id=conference.id, date__gte=first, date__lte=last)
    figures = dict(summaries.order_by().values_list("date", "figures"))
    today = local_today(conference, now)
    if first <= today <= last:
        figures[today] = compute_figures(conference.id, today)
    names = ("pv", "uv", "registrations", "checkins", "present", "bots")
    points = _all_days([], first, last)
    for point in points:
        of_day = figures.get(point.date, {})
        point.visits = None
        for name in names:
            setattr(point, name, of_day.get(name, 0))
    totals = Totals(
        pv=sum(point.pv for point in points), uv=points[0].uv if first == last else None, visits=None,
        bounces=None, bounce_rate=None, duration_seconds=None, share_opens=None, registrations=0, checkins=0,
    )  # fmt: skip
    for name in _OF_DAYS:
        setattr(totals, name, sum(of_day.get(name, 0) for of_day in figures.values()))
    return Summary(
        conference.id, conference.time_zone, first, last, [], now, totals, None, points, [], [], {}
    )  # fmt: skip


def local_today(conference: Conference, now: dt.datetime) -> dt.date:
    return local_date(conference.time_zone, round(now.timestamp() * 1000))


def get_panel(
    conference: Conference,
    name: str,
    *,
    first: dt.date,
    last: dt.date,
    filters: Sequence[Filter] = (),
    limit: int,
    now: dt.datetime | None = None,
) -> Panel:
    """One panel alone. limit: at most MAX_CSV_ROWS. Raises NotReadyError or BeyondRetentionError."""
    _check_kept(conference, first)
    days = ensure_days(conference.id, first, last, today=local_today(conference, now or timezone.now()))
    question = Question(conference.id, first, tuple(filters), None, (name,), limit, has_hours=False)
    return answer(question, days, today=dt.date.max)[0].panels[name]


def list_occurrences(
    conference: Conference,
    kind: str,
    *,
    first: dt.date,
    last: dt.date,
    filters: Sequence[Filter] = (),
    limit: int,
    offset: int = 0,
) -> list[Occurrence]:
    """The events of a type that a range's figures consist of, the latest first.

    Raises NotReadyError or BeyondRetentionError.
    """
    _check_kept(conference, first)
    days = ensure_days(conference.id, first, last, today=local_today(conference, timezone.now()))
    from analytics.ranges.queries import list_events  # NumPy, which most processes have no use for

    with take_turn():
        return read_files(
            conference.id,
            days,
            lambda these: list_events(these, kind, filters=filters, limit=limit, offset=offset),
        )[0]


def _check_kept(conference: Conference, first: dt.date) -> None:
    sealed = conference.events_deleted_before
    if sealed is not None and first < sealed:
        raise BeyondRetentionError(sealed)


def _totals(visits: Visits) -> Totals:
    return Totals(
        pv=visits.pv,
        uv=visits.uv,
        visits=visits.visits,
        bounces=visits.bounces,
        bounce_rate=round(visits.bounces / visits.visits, 4) if visits.visits else 0.0,
        duration_seconds=round(visits.duration_ms / visits.visits / 1000, 1) if visits.visits else 0.0,
        share_opens=visits.share_opens,
        registrations=visits.registrations,
        checkins=visits.checkins,
    )


def _add_days(
    totals: Totals, points: Sequence[DayPoint], conference_id: str, days: Sequence[Day], *, today: dt.date
) -> None:
    """Take what counts on one day in all from the days' summaries; today's from the store if it changed."""
    summaries = {day.date: day.figures for day in days}
    if any(day.date == today and day.is_marked for day in days):
        summaries[today] = _figures.ask((conference_id, today), None)
    for name in _OF_DAYS:
        setattr(totals, name, sum(figures.get(name, 0) for figures in summaries.values()))
    for point in points:
        figures = summaries.get(point.date, {})
        point.registrations, point.checkins = figures.get("registrations", 0), figures.get("checkins", 0)
        point.present, point.bots = figures.get("present", 0), figures.get("bots", 0)


def _bring_up_to_date(
    totals: Totals,
    points: Sequence[DayPoint],
    periods: Sequence[PeriodPoint],
    conference_id: str,
    days: Sequence[Day],
    *,
    today: dt.date,
) -> None:
    """Count today's page views and visitors in the store, if today's segment lacks some."""
    if all(day.is_exact for day in days if day.date == today):
        return
    from analytics.ranges.queries import count_visitors_with

    viewers, pv = _views.ask((conference_id, today), None)
    (point,) = (point for point in points if point.date == today)
    counted, point.pv, point.uv = point.pv, pv, len(viewers)
    others = [day for day in days if day.date != today]
    totals.pv = sum(point.pv for point in points)

    def count(these: Sequence[Day]) -> int:
        return count_visitors_with(these, viewers)

    with take_turn():
        totals.uv = read_files(conference_id, others, count)[0]
        for period in periods:
            if period.first <= today <= period.last:
                period.pv += pv - counted
                of_period = [day for day in others if day.date >= period.first]
                period.uv = read_files(conference_id, of_period, count)[0]


def _read_views(conference_id: str, date: dt.date) -> tuple[Collection[str], int]:
    """A day's visitors, and after them its page views, so that there are never fewer."""
    viewers = store.find_viewers(conference_id, date)
    return viewers, store.count_views(conference_id, date, is_bot=False)


# Of those who ask at once, whatever their ranges, one counts today.
_Day = tuple[str, dt.date]
_figures: Together[_Day, None, dict[str, int]] = Together(
    lambda day, asked: [compute_figures(*day)] * len(asked)
)
_views: Together[_Day, None, tuple[Collection[str], int]] = Together(
    lambda day, asked: [_read_views(*day)] * len(asked)
)


def _compare(
    conference: Conference,
    question: Question,
    last: dt.date,
    days: Sequence[Day],
    *,
    now: dt.datetime,
    today: dt.date,
    built_at: dt.datetime,
) -> Comparison:
    """Ask the same of the period before. days: those of it that have events. built_at: of find_cut."""
    length = _length(question.first, last)
    first, last = question.first - length, last - length
    cut = find_cut(conference, question.first, last + length, now=now, today=today, built_at=built_at)
    until = None
    if cut is not None:
        last = today - length
        until = last, round(cut.timestamp() * 1000)
        days = [day for day in days if day.date <= last]
    asked = question._replace(
        first=first, until=until, panels=(), has_hours=length == dt.timedelta(days=1), unit=""
    )
    answers, _ = answer(asked, days, today=today)
    return Comparison(
        first,
        last,
        cut,
        _totals(answers.visits),
        _all_days(answers.days, first, last),
        _hours(conference, answers.hours),
    )


def find_cut(
    conference: Conference,
    first: dt.date,
    last: dt.date,
    *,
    now: dt.datetime,
    today: dt.date,
    built_at: dt.datetime,
) -> dt.datetime | None:
    """Where the period before ends, as the range is not over yet; else None.

    built_at: of today's segment. That moment if it is of now, so that the answer that was prepared with the
    segment serves until the next one is made.
    """
    if not first <= today <= last:
        return None
    moment = built_at if abs(now - built_at) < MAX_AGE else now
    elapsed = max(moment - day_bounds(conference.time_zone, today)[0], dt.timedelta())
    start, end = day_bounds(conference.time_zone, today - _length(first, last))
    return min(start + elapsed, end).replace(second=0, microsecond=0)


def first_of_both(first: dt.date, last: dt.date) -> dt.date:
    """The first day of the period before a range."""
    return first - _length(first, last)


def _length(first: dt.date, last: dt.date) -> dt.timedelta:
    return last - first + dt.timedelta(days=1)


def _all_days(found: Sequence[DayRow], first: dt.date, last: dt.date) -> list[DayPoint]:
    """A point for each day of the range."""
    known = {row.date: row for row in found}
    dates = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return [DayPoint(*known.get(date, DayRow(date))) for date in dates]


def _hours(conference: Conference, found: Sequence[HourRow]) -> list[HourPoint]:
    zone = ZoneInfo(conference.time_zone)
    starts = {date: day_bounds(conference.time_zone, date)[0] for date in {row.date for row in found}}
    return [
        HourPoint((starts[date] + dt.timedelta(hours=hour)).astimezone(zone), *figures)
        for date, hour, *figures in found
    ]
