"""The API's answers about ranges as bytes, kept while nothing changes that they are made of.

Of those who ask about one conference at once, one asks the database for all.
"""

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from django.utils import timezone

from analytics.ranges.columns import version
from analytics.ranges.filters import Filter
from analytics.ranges.results import Summary
from analytics.ranges.segments import Known, read_known
from analytics.selectors.answers import note_watched, recall_many, remember
from analytics.selectors.summary import find_cut, first_of_both, get_summary, local_today
from conferences.models import Conference
from meeteasy.core.together import Together

_KEEP_SECONDS = 3_600
# Another number for another shape of the answer.
_SHAPE = 1


class Asked(NamedTuple):
    """As get_summary has it."""

    conference: Conference
    first: dt.date
    last: dt.date
    filters: tuple[Filter, ...]
    compare: bool
    panels: tuple[str, ...]
    limit: int


class Kept(NamedTuple):
    """name: of what the answer is made of; "" if that may change at any moment. content: None if not kept."""

    name: str
    content: bytes | None


def read_summary(asked: Asked, encode: Callable[[Summary], bytes]) -> tuple[str, bytes]:
    """The name of an answer, "" for none, and the answer: an object of JSON.

    encode: a summary as JSON without `as_of`, which is added here. Raises as get_summary.
    """
    conference = asked.conference
    name, content = _together.ask(conference.id, asked)
    if content is not None:
        return name, _with_moment(content, timezone.now())
    return name, _answers.ask((conference.id, conference.time_zone, *asked[1:]), (asked, name, encode))


def _compute(asked: Asked, name: str, encode: Callable[[Summary], bytes]) -> bytes:
    summary = get_summary(**asked._asdict())
    content = encode(summary)
    if name:
        remember(name, content, seconds=_KEEP_SECONDS)
    return _with_moment(content, summary.as_of)


def _with_moment(content: bytes, as_of: dt.datetime) -> bytes:
    return b'{"as_of":' + msgspec.json.encode(as_of) + b"," + content[1:]


def _look_up(conference_id: str, asked: list[Asked]) -> list[Kept]:
    """What is kept of answers about one conference."""
    now = timezone.now()
    first = min(first_of_both(item.first, item.last) if item.compare else item.first for item in asked)
    known = read_known(conference_id, first, max(item.last for item in asked))
    note_watched(conference_id)
    names = [_name(item, known, now) for item in asked]
    found = recall_many([name for name in names if name])
    return [Kept(name, found.get(name)) for name in names]


_together: Together[str, Asked, Kept] = Together(_look_up)
# Those who ask the same at once get the same.
_answers: Together[tuple[Any, ...], tuple[Asked, str, Callable[[Summary], bytes]], bytes] = Together(
    lambda _, asked: [_compute(*asked[0])] * len(asked)
)


def _name(asked: Asked, known: Known, now: dt.datetime) -> str:
    """Of all that the answer is made of; segments' names stand for what was stored when they were made."""
    conference, first, last = asked.conference, asked.first, asked.last
    since = first_of_both(first, last) if asked.compare else first
    dates = [date for date in known.dates() if since <= date <= last]
    if not all(map(known.is_exact, dates)):
        return ""
    today = local_today(conference, now)
    cut = None
    if asked.compare:
        built_at = known.segments[today].built_at if today in dates else now
        cut = find_cut(conference, first, last, now=now, today=today, built_at=built_at)
    parts = [
        _SHAPE, version(), conference.time_zone, conference.events_deleted_before, asked[1:], today, cut,
        [known.segments[date].name for date in dates],
    ]  # fmt: skip
    digest = hashlib.blake2b(conference.id.encode(), digest_size=16)
    digest.update(msgspec.json.encode(parts))
    return f"summary:json:{digest.hexdigest()}"
