"""From the bytes of a batch to events: each bad one is rejected alone, with its index and field.

Most batches are whole and are decoded in one call. Only when that fails, or when a text needs a closer look,
is the batch taken apart and each event judged alone (analytics/events/parsing.py).
"""

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Union

import msgspec

from analytics.event_types import EVENT_TYPES, EventType
from analytics.event_types._base import Timestamp
from analytics.events.batch import Batch
from analytics.events.clock import to_ms
from analytics.events.completing import Client, check_conference, complete, make_row
from analytics.events.json_values import json_kind, read_json
from analytics.events.parsing import leave_out_placeholders, parse_event, truncate_time
from analytics.events.problems import BatchError, EventError, Notice, Rejection

__all__ = [
    "BatchError",
    "Client",
    "EventError",
    "Notice",
    "Rejection",
    "SentBatch",
    "complete",
    "make_row",
    "open_batch",
    "parse_event",
    "read_batch",
    "read_events",
    "read_json",
]

# In one answer; a client chooses how many there could be.
MAX_NOTICES = 100


class SentBatch(msgspec.Struct):
    """A batch whose events were not looked at yet. One may be an EventError that says why it is none."""

    events: list[Any]
    sent_at: Any = None  # as it was sent: read by _read_sent_at


@lru_cache(maxsize=1)
def _strict_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes a batch in which every event is valid and has no extra fields; fails on any other."""
    any_event: Any = Union[tuple(EVENT_TYPES.values())]  # noqa: UP007  of as many as there are
    fields: list[Any] = [("events", list[any_event]), ("sent_at", Timestamp | None, None)]
    return msgspec.json.Decoder(msgspec.defstruct("StrictBatch", fields))


class ReadBatch(NamedTuple):
    """The good events of a request, why others were not taken, and what is odd about the good ones.

    is_plain: whether all good events are of conferences that the reader was told to be `plain`.
    """

    batch: Batch[EventType]
    rejections: list[Rejection]
    notices: list[Notice]
    is_plain: bool

    @property
    def conference_ids(self) -> set[str]:
        return set(map(_get_conference_id, self.batch.events))


class _OddError(Exception):
    """Something needs a closer look, event by event."""


# What tells that a batch is not whole; OverflowError: of a `sent_at` beyond the calendar.
_NOT_WHOLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, EventError, _OddError)


def read_batch(
    body: bytes,
    client: Client,
    *,
    max_events: int,
    acceptance_days: int | None,
    plain: frozenset[str] | set[str] = frozenset(),
) -> ReadBatch:
    """Read a request's events; each bad one becomes a rejection, and so does a bad `sent_at`.

    acceptance_days: how old an event may be; None: any age.
    plain: ids of conferences that exist, see ReadBatch.
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
            found = _read_whole(sent, client, max_events, acceptance_days, check_time, plain)
        except _NOT_WHOLE:
            found = None
        if found is not None:
            return found
    return read_events(open_batch(read_json(body)), client, max_events, acceptance_days, plain)


def _read_whole(
    sent: Any,
    client: Client,
    max_events: int,
    acceptance_days: int | None,
    check_time: Callable[[Timestamp], None],
    plain: frozenset[str] | set[str],
) -> ReadBatch | None:
    """A batch in which nothing is wrong; nearly all are. None, EventError or _OddError for any other."""
    events = sent.events
    if not 0 < len(events) <= max_events:
        return None
    sent_ms = None
    if sent.sent_at is not None:
        check_time(sent.sent_at)
        sent_ms = to_ms(sent.sent_at)
    is_plain = plain.issuperset(map(_get_conference_id, events))
    if not is_plain:
        for event in events:
            check_conference(event)
    complete(
        events,
        client,
        sent_ms=sent_ms,
        acceptance_days=acceptance_days,
        warn=_give_up,
        check_time=check_time,
    )
    return ReadBatch(_make_batch(client, events), [], [], is_plain)


def _make_batch(client: Client, events: list[EventType]) -> Batch[EventType]:
    return Batch(client.received_ms, client.is_bot, events, agent=client.agent, country=client.country)


_get_conference_id = attrgetter("conference_id")


def _give_up(code: str, message: str, field: str | None) -> None:
    raise _OddError


def read_events(
    sent: SentBatch,
    client: Client,
    max_events: int,
    acceptance_days: int | None,
    plain: frozenset[str] | set[str] = frozenset(),
) -> ReadBatch:
    """Judge each event of a batch alone. Raises BatchError: `no_events`, `too_many_events`."""
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
    for index, item in enumerate(sent.events):
        try:
            if isinstance(item, EventError):
                raise item
            event = parse_event(leave_out_placeholders(item, warn), warn)
            check_conference(event)
            complete([event], client, sent_ms=sent_ms, acceptance_days=acceptance_days, warn=warn)
            events.append(event)
        except EventError as error:
            rejections.append(Rejection(index, error.code, error.message, error.field))
            while notices and notices[-1].index == index:
                notices.pop()
    is_plain = plain.issuperset(map(_get_conference_id, events))
    return ReadBatch(_make_batch(client, events), rejections, notices, is_plain)


def open_batch(raw: Any) -> SentBatch:
    """The batch with its events as plain JSON values. Raises BatchError."""
    if not isinstance(raw, dict):
        raise BatchError("no_events", f"The body must be an object with `events`, not {json_kind(raw)}.")
    if "events" not in raw:
        raise BatchError("no_events", "`events` is missing.")
    if not isinstance(raw["events"], list):
        raise BatchError("no_events", f"`events` must be an array, not {json_kind(raw['events'])}.")
    return SentBatch(raw["events"], raw.get("sent_at"))


def _read_sent_at(value: Any) -> int:
    """UTC milliseconds. Raises EventError."""
    try:
        return to_ms(msgspec.convert(truncate_time(value) if isinstance(value, str) else value, Timestamp))
    except (msgspec.ValidationError, OverflowError, ValueError):
        message = "`sent_at` is not a time, so the events' times were not corrected."
        raise EventError("invalid_field", message, "sent_at") from None
