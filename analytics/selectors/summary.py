"""Summaries of a range of days: totals, series, funnel and panels, with filters and a comparison.

Computed from segments (analytics/ranges) and remembered by the segments' names: a name stands for one
content, so what is remembered is never wrong.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from analytics.days.figures import compute_figures
from analytics.days.zones import day_bounds, local_date
from analytics.models import DailySummary, Event
from analytics.ranges import segments
from analytics.ranges.columns import version
from analytics.ranges.engine import QueryFailedError, open_cursor
from analytics.ranges.filters import Filter
from analytics.ranges.queries import STEPS, Panel, Range, Visits
from analytics.ranges.results import PANELS, Comparison, DayPoint, HourPoint, Step, Summary, Totals
from analytics.ranges.segments import Day, ensure_days
from conferences.models import Conference

MAX_DAYS = 1_830
# A series by hour has at most as many hours as a month.
MAX_DAYS_BY_HOUR = 31
MAX_ROWS = 1_000
MAX_CSV_ROWS = 50_000
# Ranges up to today that consoles offer; answers to them are prepared (analytics/preparing.py).
USUAL_DAYS = (1, 7, 28, 90)
_REMEMBER_SECONDS = 3_600
_WATCHED_SECONDS = 900
# Of days that have summaries: each counts on one day, so the days add up.
_OF_DAYS = ("registrations", "checkins", "shares", "share_conversions", "bots")


class BeyondRetentionError(Exception):
    """Some days of the range have no events any more. first_kept: the first day that has."""

    def __init__(self, first_kept: dt.date) -> None:
        super().__init__(f"events before {first_kept} were deleted")
        self.first_kept = first_kept


class _Answers(msgspec.Struct):
    """What is computed from segments alone, and remembered."""

    visits: Visits
    days: list[tuple[dt.date, int, int, int]] = []
    hours: list[tuple[dt.date, int, int, int]] = []
    funnel: list[int] = []
    panels: dict[str, Panel] = {}


class _Question(NamedTuple):
    """Of one period. until: (day, UTC ms) from which on nothing counts. panels: names."""

    conference_id: str
    first: dt.date
    filters: tuple[Filter, ...]
    until: tuple[dt.date, int] | None
    panels: tuple[str, ...]
    limit: int
    has_series: bool
    has_hours: bool


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

    filters: each selects the visits that contain a match; all of them must. compare: also the totals of the
    period before, up to the same moment if the range's last day is unfinished. panels: names of PANELS.
    limit: rows of each panel. is_asked: whether somebody looks, for whom the next answers shall be prepared.
    Raises NotReadyError while too much must be summed up first, and BeyondRetentionError. A comparison with
    days whose events are deleted is left out.
    """
    _check_kept(conference, first)
    if is_asked:
        _remember(_watched(conference.id), b"1", seconds=_WATCHED_SECONDS)
    now = now or timezone.now()
    today = local_date(conference.time_zone, round(now.timestamp() * 1000))
    days = ensure_days(conference.id, first, last, today=today)
    question = _Question(
        conference.id,
        first,
        tuple(filters),
        None,
        tuple(panels),
        limit,
        has_series=True,
        has_hours=(last - first).days < MAX_DAYS_BY_HOUR,
    )
    answers = _answer(question, days)
    totals = _totals(answers.visits)
    if not filters:
        _add_days(totals, conference.id, first, last, today=today)
        _bring_up_to_date(totals, conference.id, days, today=today)
    return Summary(
        conference_id=conference.id,
        time_zone=conference.time_zone,
        first=first,
        last=last,
        filters=list(filters),
        as_of=min((day.built_at for day in days if not day.is_exact), default=now),
        totals=totals,
        comparison=_compare(conference, first, last, question, now=now, today=today) if compare else None,
        days=_all_days(answers.days, first, last),
        hours=[_hour(conference.time_zone, *row) for row in answers.hours],
        funnel=[Step(step, visitors) for step, visitors in zip(STEPS, answers.funnel, strict=True)],
        panels=answers.panels,
    )


def is_watched(conference_id: str) -> bool:
    """Whether somebody looked at a summary of the conference within the last quarter of an hour."""
    return _recall(_watched(conference_id)) is not None


def _watched(conference_id: str) -> str:
    return f"summary:watched:{hashlib.blake2b(conference_id.encode(), digest_size=16).hexdigest()}"


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
    now = now or timezone.now()
    today = local_date(conference.time_zone, round(now.timestamp() * 1000))
    question = _Question(
        conference.id, first, tuple(filters), None, (name,), limit, has_series=False, has_hours=False
    )
    return _answer(question, ensure_days(conference.id, first, last, today=today)).panels[name]


def _check_kept(conference: Conference, first: dt.date) -> None:
    sealed = conference.events_deleted_before
    if sealed is not None and first < sealed:
        raise BeyondRetentionError(sealed)


def _answer(question: _Question, days: Sequence[Day]) -> _Answers:
    """From what is remembered, else from the segments."""
    text = msgspec.json.encode([version(), question, [day.name for day in days]])
    key = f"summary:{hashlib.blake2b(text, digest_size=16).hexdigest()}"
    remembered = _recall(key)
    if remembered is not None:
        return msgspec.msgpack.decode(remembered, type=_Answers)
    try:
        answers = _compute(question, days)
    except QueryFailedError:
        # A file was damaged, or deleted after another took its place, since it was looked at.
        segments.forget_files()
        # As if none were today's: only what is up to date is good enough now.
        again = ensure_days(question.conference_id, days[0].date, days[-1].date, today=dt.date.max)
        return _compute(question, again)
    if question.limit <= MAX_ROWS:
        _remember(key, msgspec.msgpack.encode(answers), seconds=_REMEMBER_SECONDS)
    return answers


def _recall(key: str) -> bytes | None:
    """What is remembered; nothing while Redis is away."""
    try:
        found: bytes | None = cache.get(key)
    except (RedisError, OSError):
        return None
    return found


def _remember(key: str, value: bytes, *, seconds: int) -> None:
    with suppress(RedisError, OSError):
        cache.set(key, value, timeout=seconds)


def _compute(question: _Question, days: Sequence[Day]) -> _Answers:
    with open_cursor() as cursor:
        found = Range(
            cursor,
            [day.path for day in days],
            first=question.first,
            filters=question.filters,
            until=question.until,
        )
        answers = _Answers(found.count())
        if question.has_series:
            answers.days = found.count_days()
            answers.funnel = found.count_funnel()
        if question.has_hours:
            answers.hours = found.count_hours()
        answers.panels = {
            name: found.count_panel(PANELS[name], limit=question.limit) for name in question.panels
        }
    return answers


def _totals(visits: Visits) -> Totals:
    return Totals(
        pv=visits.pv,
        uv=visits.uv,
        visits=visits.visits,
        bounces=visits.bounces,
        bounce_rate=round(visits.bounces / visits.visits, 4) if visits.visits else 0.0,
        duration_seconds=round(visits.duration_ms / visits.visits / 1000, 1) if visits.visits else 0.0,
        registrations=visits.registrations,
        checkins=visits.checkins,
    )


def _add_days(totals: Totals, conference_id: str, first: dt.date, last: dt.date, *, today: dt.date) -> None:
    """Take what counts on one day in all from the days' summaries, and today's from the store."""
    summaries = DailySummary.objects.filter(conference_id=conference_id, date__gte=first, date__lte=last)
    figures = dict(summaries.order_by().values_list("date", "figures"))
    if first <= today <= last:
        figures[today] = compute_figures(conference_id, today)
    for name in _OF_DAYS:
        setattr(totals, name, sum(of_day.get(name, 0) for of_day in figures.values()))


def _bring_up_to_date(totals: Totals, conference_id: str, days: Sequence[Day], *, today: dt.date) -> None:
    """Count today's page views and visitors in the store, if today's segment lacks some."""
    if all(day.is_exact for day in days if day.date == today):
        return
    views = Event.objects.filter(
        conference_id=conference_id, local_date=today, is_bot__in=[False], type="page_view"
    ).order_by()
    visitors = list(views.values_list("subject", flat=True).distinct())
    others = [day.path for day in days if day.date != today]
    with open_cursor() as cursor:
        found = Range(cursor, others, first=days[0].date)
        totals.pv = found.count().pv + views.count()
        totals.uv = found.count_visitors_with(visitors)


def _compare(
    conference: Conference,
    first: dt.date,
    last: dt.date,
    question: _Question,
    *,
    now: dt.datetime,
    today: dt.date,
) -> Comparison | None:
    length = last - first + dt.timedelta(days=1)
    before_first, before_last = first - length, last - length
    if conference.events_deleted_before is not None and before_first < conference.events_deleted_before:
        return None
    until = cut = None
    if first <= today <= last:
        day = today - length
        elapsed = now - day_bounds(conference.time_zone, today)[0]
        start, end = day_bounds(conference.time_zone, day)
        cut = min(start + elapsed, end).replace(second=0, microsecond=0)
        until = day, round(cut.timestamp() * 1000)
        before_last = day
    days = ensure_days(conference.id, before_first, before_last, today=today)
    asked = question._replace(first=before_first, until=until, panels=(), has_series=False, has_hours=False)
    totals = _totals(_answer(asked, days).visits)
    return Comparison(before_first, before_last, cut, totals)


def _all_days(found: list[tuple[dt.date, int, int, int]], first: dt.date, last: dt.date) -> list[DayPoint]:
    """A point for each day of the range."""
    known = {row[0]: row for row in found}
    dates = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return [DayPoint(*known.get(date, (date, 0, 0, 0))) for date in dates]


def _hour(time_zone: str, date: dt.date, hour: int, pv: int, uv: int) -> HourPoint:
    start, _ = day_bounds(time_zone, date)
    return HourPoint((start + dt.timedelta(hours=hour)).astimezone(ZoneInfo(time_zone)), pv, uv)
