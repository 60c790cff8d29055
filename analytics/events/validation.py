"""From the bytes of a batch to events: each bad one is rejected alone, with its index and field.

Most batches are whole and are decoded in one call. Only when that fails, or when a text needs a closer look,
is the batch taken apart and each event judged alone (analytics/events/parsing.py).
"""

import datetime as dt
import math
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Union

import msgspec
import uuid_utils

from analytics.event_types import EVENT_TYPES, OWN_PREFIX, SECRET_PREFIX, EventType
from analytics.event_types._base import Timestamp
from analytics.events.batch import Batch, make_row_maker
from analytics.events.clock import MS_PER_DAY, TooOldError, event_time_ms, to_ms
from analytics.events.parsing import Warn, fit_properties, ignore, parse_event, truncate_time
from analytics.events.problems import BatchError, EventError, Notice, Rejection
from analytics.events.reading import json_kind, read_json
from analytics.events.rows import EventRow

__all__ = [
    "BatchError",
    "Client",
    "EventError",
    "Notice",
    "Rejection",
    "make_completer",
    "make_row",
    "parse_event",
    "read_batch",
    "read_json",
]

MAX_SUBJECT_LENGTH = 64
_RESERVED = (OWN_PREFIX, SECRET_PREFIX)
# In one answer; a client chooses how many there could be.
MAX_NOTICES = 100


class Client(msgspec.Struct):
    """What the request itself says about who sent the batch.

    received_ms: now, UTC milliseconds.
    is_bot: whether the sender is known to be a crawler.
    visitor_id: makes an id for a visitor without one, from the conference's id.
    is_server: whether the sender is the server itself or its operator, who may make internal events and use
        the ids of the server's own events (analytics/own_events.py).
    agent, country: as in a Batch.
    """

    received_ms: int
    is_bot: bool
    visitor_id: Callable[[str], str]
    is_server: bool = False
    agent: str = ""
    country: str = ""


class _SentBatch(msgspec.Struct):
    events: list[Any]
    sent_at: Any = None  # as it was sent: read by _read_sent_at


@lru_cache(maxsize=1)
def _strict_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes a batch in which every event is valid and has no extra fields; fails on any other."""
    any_event: Any = Union[tuple(EVENT_TYPES.values())]  # noqa: UP007  of as many as there are
    fields: list[Any] = [("events", list[any_event]), ("sent_at", Timestamp | None, None)]
    return msgspec.json.Decoder(msgspec.defstruct("StrictBatch", fields))


_new_id = uuid_utils.uuid7


class ReadBatch(NamedTuple):
    """The good events of a request, why others were not taken, and what is odd about the good ones."""

    batch: Batch[EventType]
    rejections: list[Rejection]
    notices: list[Notice]
    conference_ids: set[str]


class _OddError(Exception):
    """Something needs a closer look, event by event."""


# What tells that a batch is not whole; OverflowError: of a `sent_at` beyond the calendar.
_NOT_WHOLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, EventError, _OddError)


def read_batch(body: bytes, client: Client, *, max_events: int, acceptance_days: int | None) -> ReadBatch:
    """Read a request's events; each bad one becomes a rejection, and so does a bad `sent_at`.

    acceptance_days: how old an event may be; None: any age.
    Raises BatchError: `invalid_json`, `no_events`, `too_many_events`.
    """

    def check_time(ts: Timestamp) -> None:
        """msgspec rounds a time to microseconds: 23:59:59.9999995 comes out as the next day."""
        if type(ts) is dt.datetime and not ts.microsecond and b".999999" in body:
            raise _OddError

    # Backslashes are rare, and one byte is found in a tenth of the time of six.
    if b"\\" not in body or b"\\u0000" not in body:
        try:
            sent = _strict_decoder().decode(body)
            found = _read_whole(sent, client, max_events, acceptance_days, check_time)
        except _NOT_WHOLE:
            found = None
        if found is not None:
            return found
    return _read_events(_read_loosely(body), client, max_events, acceptance_days)


def _read_whole(
    sent: Any,
    client: Client,
    max_events: int,
    acceptance_days: int | None,
    check_time: Callable[[Timestamp], None],
) -> ReadBatch | None:
    """A batch in which nothing is wrong; nearly all are. None, EventError or _OddError for any other."""
    events = sent.events
    if not 0 < len(events) <= max_events:
        return None
    sent_ms = None
    if sent.sent_at is not None:
        check_time(sent.sent_at)
        sent_ms = to_ms(sent.sent_at)
    conference_ids = set(map(_get_conference_id, events))
    if "/" in "".join(conference_ids):
        return None
    complete = make_completer(
        client,
        sent_ms=sent_ms,
        acceptance_days=acceptance_days,
        warn=_give_up,
        check_time=check_time,
    )
    for event in events:
        complete(event)
    return ReadBatch(_make_batch(client, events), [], [], conference_ids)


def _make_batch(client: Client, events: list[EventType]) -> Batch[EventType]:
    return Batch(client.received_ms, client.is_bot, events, "", client.agent, client.country)


_get_conference_id = attrgetter("conference_id")


def _give_up(code: str, message: str, field: str | None) -> None:
    raise _OddError


def _read_events(sent: _SentBatch, client: Client, max_events: int, acceptance_days: int | None) -> ReadBatch:
    """Judge each event of a batch alone."""
    if not sent.events:
        raise BatchError("no_events", "`events` is empty; send at least one event.")
    if len(sent.events) > max_events:
        raise BatchError("too_many_events", f"{len(sent.events)} events; a batch has at most {max_events}.")
    events: list[EventType] = []
    rejections: list[Rejection] = []
    notices: list[Notice] = []
    index = 0

    def warn(code: str, message: str, field: str | None) -> None:
        if len(notices) < MAX_NOTICES:
            notices.append(Notice(index, code, message, field))

    sent_ms = None
    if sent.sent_at is not None:
        try:
            sent_ms = _read_sent_at(sent.sent_at)
        except EventError as error:
            rejections.append(Rejection(None, error.code, error.message, error.field))
    complete = make_completer(client, sent_ms=sent_ms, acceptance_days=acceptance_days, warn=warn)
    for index, item in enumerate(sent.events):
        try:
            event = parse_event(item, warn)
            check_conference(event)
            complete(event)
            events.append(event)
        except EventError as error:
            rejections.append(Rejection(index, error.code, error.message, error.field))
            while notices and notices[-1].index == index:
                notices.pop()
    conference_ids = set(map(_get_conference_id, events))
    return ReadBatch(_make_batch(client, events), rejections, notices, conference_ids)


def check_conference(event: EventType) -> None:
    """Raise EventError for an id that cannot be part of an event's key."""
    if "/" in event.conference_id:
        raise EventError("invalid_field", "`conference_id` may not contain `/`.", "conference_id")


def make_row(event: EventType, client: Client) -> EventRow:
    """The row of one event of any age, whose clock is trusted: for events that do not come through the door.

    Raises EventError.
    """
    check_conference(event)
    make_completer(client, sent_ms=None, acceptance_days=None)(event)
    return make_row_maker(client.received_ms, client.is_bot)(event)


def make_completer(
    client: Client,
    *,
    sent_ms: int | None,
    acceptance_days: int | None,
    warn: Warn = ignore,
    check_time: Callable[[Timestamp], None] | None = None,
) -> Callable[[EventType], None]:
    """A function that completes the valid events of one request in place: corrected time, ids.

    It raises EventError for a time out of range and for what only the server may say. A closure, because it
    runs for every event, and looking up its constants on an object would be a quarter of its cost.

    sent_ms: when the batch was sent by the client's clock, UTC milliseconds; None: its clock is trusted.
    check_time: called with each time that needs correction; what it raises is raised.
    """
    received_ms, is_server, reserved = client.received_ms, client.is_server, _RESERVED
    oldest_ms = None if acceptance_days is None else received_ms - acceptance_days * MS_PER_DAY
    # A time in milliseconds from here on is taken as it is, as event_time_ms would do, without the call.
    believed_from_ms = math.inf if sent_ms is not None or oldest_ms is None else oldest_ms

    def correct_time(ts: Timestamp) -> int:
        if check_time is not None:
            check_time(ts)
        try:
            return event_time_ms(ts, sent_ms=sent_ms, received_ms=received_ms, oldest_ms=oldest_ms)
        except TooOldError:
            age = "1970" if acceptance_days is None else f"{acceptance_days} days ago"
            raise EventError("too_old", f"`ts` is before {age}.", "ts") from None
        except (OverflowError, ValueError):
            raise EventError("invalid_field", "`ts` is not a time.", "ts") from None

    def complete(event: EventType) -> None:
        ts = event.ts
        if ts is None:
            event.ts = received_ms
        elif not (type(ts) is int and believed_from_ms <= ts <= received_ms):
            event.ts = correct_time(ts)
        if event.visitor_id is None:
            event.visitor_id = client.visitor_id(event.conference_id)
        event_id = event.event_id
        if event_id is None:
            event.event_id = str(_new_id())
        elif not is_server and event_id.startswith(reserved):
            message = f"`event_id`: `{OWN_PREFIX}` and `{SECRET_PREFIX}` begin ids of others than clients."
            raise EventError("reserved", message, "event_id")
        event_type = type(event)
        if event_type.internal and not is_server:
            raise EventError("reserved", "Only the server itself makes events of this type.", "type")
        if event_type.subject is not _default_subject:
            _check_subject(event.subject())
        if event.properties:
            event.properties = fit_properties(event.properties, warn)

    return complete


_default_subject = EventType.subject


def _check_subject(subject: str | None) -> None:
    """Raise EventError for a subject that is too long for the store."""
    if subject is not None and len(subject) > MAX_SUBJECT_LENGTH:
        message = f"What the event is about has {len(subject)} characters; at most {MAX_SUBJECT_LENGTH} fit."
        raise EventError("subject_too_long", message)


def _read_loosely(body: bytes) -> _SentBatch:
    """The batch with its events as plain JSON values. Raises BatchError."""
    raw = read_json(body)
    if not isinstance(raw, dict):
        raise BatchError("no_events", f"The body must be an object with `events`, not {json_kind(raw)}.")
    if "events" not in raw:
        raise BatchError("no_events", "`events` is missing.")
    if not isinstance(raw["events"], list):
        raise BatchError("no_events", f"`events` must be an array, not {json_kind(raw['events'])}.")
    return _SentBatch(raw["events"], raw.get("sent_at"))


def _read_sent_at(value: Any) -> int:
    """UTC milliseconds. Raises EventError."""
    try:
        return to_ms(msgspec.convert(truncate_time(value) if isinstance(value, str) else value, Timestamp))
    except (msgspec.ValidationError, OverflowError, ValueError):
        message = "`sent_at` is not a time, so the events' times were not corrected."
        raise EventError("invalid_field", message, "sent_at") from None
