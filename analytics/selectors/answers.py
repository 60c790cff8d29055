"""What is computed from segments alone, and remembered by their names.

A name stands for one content, so what is remembered is never wrong.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from django.core.cache import cache
from redis.exceptions import RedisError

from analytics.ranges import segments
from analytics.ranges.columns import version
from analytics.ranges.engine import QueryFailedError, open_cursor
from analytics.ranges.filters import Filter
from analytics.ranges.queries import Range
from analytics.ranges.results import PANELS
from analytics.ranges.rows import DayRow, HourRow, Panel, Visits
from analytics.ranges.segments import Day, ensure_days

MAX_ROWS = 1_000
_REMEMBER_SECONDS = 3_600
_WATCHED_SECONDS = 900
# Another number for another shape of Answers: what an older release remembered is left alone.
_SHAPE = 2


class Answers(msgspec.Struct):
    """What is computed from segments alone, and remembered."""

    visits: Visits
    days: list[DayRow] = []
    hours: list[HourRow] = []
    funnel: list[int] = []
    panels: dict[str, Panel] = {}


class Question(NamedTuple):
    """Of one period. until: (day, UTC ms) from which on nothing counts. panels: names."""

    conference_id: str
    first: dt.date
    filters: tuple[Filter, ...]
    until: tuple[dt.date, int] | None
    panels: tuple[str, ...]
    limit: int
    has_days: bool
    has_funnel: bool
    has_hours: bool


def answer(question: Question, days: Sequence[Day]) -> Answers:
    """From what is remembered, else from the segments."""
    text = msgspec.json.encode([_SHAPE, version(), question, [day.name for day in days]])
    key = f"summary:{hashlib.blake2b(text, digest_size=16).hexdigest()}"
    remembered = _recall(key)
    if remembered is not None:
        return msgspec.msgpack.decode(remembered, type=Answers)
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


def _compute(question: Question, days: Sequence[Day]) -> Answers:
    with open_cursor() as cursor:
        found = Range(
            cursor,
            [day.path for day in days],
            first=question.first,
            filters=question.filters,
            until=question.until,
        )
        answers = Answers(found.count())
        if question.has_days:
            answers.days = found.count_days()
        if question.has_funnel:
            answers.funnel = found.count_funnel()
        if question.has_hours:
            answers.hours = found.count_hours()
        answers.panels = {
            name: found.count_panel(PANELS[name], limit=question.limit) for name in question.panels
        }
    return answers


def note_watched(conference_id: str) -> None:
    """Somebody looks: the next answers shall be prepared."""
    _remember(_watched(conference_id), b"1", seconds=_WATCHED_SECONDS)


def is_watched(conference_id: str) -> bool:
    """Whether somebody looked at a summary of the conference within the last quarter of an hour."""
    return _recall(_watched(conference_id)) is not None


def _watched(conference_id: str) -> str:
    return f"summary:watched:{hashlib.blake2b(conference_id.encode(), digest_size=16).hexdigest()}"
