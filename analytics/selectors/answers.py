"""What is computed from segments alone, and remembered by their names.

A name stands for one content, so what is remembered is never wrong. While today's segment is new and its
answer not yet prepared, the answer from the one before may serve for as long as that may be old.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from analytics.ranges.columns import version
from analytics.ranges.engine import take_turn
from analytics.ranges.filters import Filter
from analytics.ranges.rows import Answers
from analytics.ranges.segments import MAX_AGE, PATIENCE, Day, is_large, read_files

MAX_ROWS = 1_000
_REMEMBER_SECONDS = 3_600
_WATCHED_SECONDS = 900
# Another number for another shape of Answers: what an older release remembered is left alone.
_SHAPE = 5


class _Latest(msgspec.Struct):
    """An answer that includes today's segment, and when that was made."""

    answers: Answers
    built_at: dt.datetime


class Question(NamedTuple):
    """Of one range. until: (day, UTC ms) from which on nothing counts. panels: names. unit: of periods."""

    conference_id: str
    first: dt.date
    filters: tuple[Filter, ...]
    until: tuple[dt.date, int] | None
    panels: tuple[str, ...]
    limit: int
    has_hours: bool
    unit: str = ""


def answer(
    question: Question, days: Sequence[Day], *, today: dt.date, may_lag: bool = False
) -> tuple[Answers, Sequence[Day]]:
    """From what is remembered, else from the segments. Returns the days that it was made of, too.

    may_lag: today's segment may be the one before, as long as it is not older than today's may be.
    """
    key = _key(question, [day.name for day in days])
    latest_key = None
    if days and days[-1].date == today and is_large(*days) and question.until is None:
        latest_key = _key(question, ["latest", *(day.name for day in days[:-1])])
    remembered = _recall(key)
    if remembered is not None:
        return msgspec.msgpack.decode(remembered, type=Answers), days
    if may_lag and latest_key and (found := _recall(latest_key)) is not None:
        latest = msgspec.msgpack.decode(found, type=_Latest)
        if timezone.now() - latest.built_at < MAX_AGE:
            return latest.answers, [*days[:-1], days[-1]._replace(built_at=latest.built_at, is_exact=False)]
    answers, read = read_files(
        question.conference_id, days, lambda these: _compute(question, these, key if these is days else None)
    )
    if read is not days:
        return answers, read
    if question.limit <= MAX_ROWS:
        remember(key, msgspec.msgpack.encode(answers), seconds=_REMEMBER_SECONDS)
        if latest_key:
            latest = _Latest(answers, days[-1].built_at)
            remember(latest_key, msgspec.msgpack.encode(latest), seconds=int(MAX_AGE.total_seconds()))
    return answers, days


def _key(question: Question, names: Sequence[str]) -> str:
    text = msgspec.json.encode([_SHAPE, version(), question, names])
    return f"summary:{hashlib.blake2b(text, digest_size=16).hexdigest()}"


def _recall(key: str) -> bytes | None:
    """What is remembered; nothing while Redis is away."""
    try:
        found: bytes | None = cache.get(key)
    except (RedisError, OSError):
        return None
    return found


def recall_many(keys: Sequence[str]) -> dict[str, bytes]:
    """What is remembered of these; nothing while Redis is away."""
    try:
        found: dict[str, bytes] = cache.get_many(keys)
    except (RedisError, OSError):
        return {}
    return found


def remember(key: str, value: bytes, *, seconds: int) -> None:
    with suppress(RedisError, OSError):
        cache.set(key, value, timeout=seconds)


def _compute(question: Question, days: Sequence[Day], key: str | None) -> Answers:
    """key: where another who asked the same may have left the answer while we waited for our turn."""
    from analytics.ranges.queries import count_range  # NumPy, which most processes have no use for

    with take_turn():
        if key and (remembered := _recall(key)) is not None:
            return msgspec.msgpack.decode(remembered, type=Answers)
        return count_range(
            days,
            filters=question.filters,
            until=question.until,
            panels=question.panels,
            limit=question.limit,
            has_hours=question.has_hours,
            unit=question.unit,
        )


def note_watched(conference_id: str) -> None:
    """Somebody looks: the next answers shall be prepared."""
    remember(_named("watched", conference_id), b"1", seconds=_WATCHED_SECONDS)


def is_watched(conference_id: str) -> bool:
    """Whether somebody looked at a summary of the conference within the last quarter of an hour."""
    return _recall(_named("watched", conference_id)) is not None


def note_prepared(conference_id: str, *, seconds: float) -> None:
    """Answers were prepared in so much processor time: the next wait, so that it costs 5 % of a core."""
    remember(_named("rest", conference_id), b"1", seconds=max(1, round(seconds * PATIENCE)))


def is_at_rest(conference_id: str) -> bool:
    return _recall(_named("rest", conference_id)) is not None


def _named(what: str, conference_id: str) -> str:
    return f"summary:{what}:{hashlib.blake2b(conference_id.encode(), digest_size=16).hexdigest()}"
