"""Completing valid events: corrected time, ids, and what only the server or a secret key may say."""

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec
import uuid_utils

from analytics.event_types import OWN_PREFIX, SECRET_PREFIX, EventType
from analytics.event_types._base import COMMON_FIELDS, Timestamp
from analytics.events.batch import make_rows
from analytics.events.clock import MS_PER_DAY, SecondsError, TooOldError, event_time_ms
from analytics.events.parsing import Warn, fit_properties, ignore
from analytics.events.problems import EventError
from analytics.events.rows import EventRow
from meeteasy.core.identifiers import MAX_PLACEHOLDER, PLACEHOLDERS

MAX_SUBJECT_LENGTH = 64
_RESERVED = (OWN_PREFIX, SECRET_PREFIX)
_FIRST_RESERVED = min(_RESERVED)
_new_id = uuid_utils.uuid7


class Client(msgspec.Struct):
    """What the request itself says about who sent the batch.

    received_ms: now, UTC milliseconds.
    is_bot: whether the sender is known to be a crawler.
    visitor_id: makes an id for a visitor without one, from the conference's id.
    is_server: whether the sender is the server itself or its operator, who may make internal events and use
        the ids of the server's own events (analytics/own_events.py).
    agent, country: as in a Batch.
    secret_of: the conference of which the sender has a secret key: what it says is confirmed.
    """

    received_ms: int
    is_bot: bool
    visitor_id: Callable[[str], str]
    is_server: bool = False
    agent: str = ""
    country: str = ""
    secret_of: str | None = None


def check_conference(event: EventType) -> None:
    """Raise EventError for an id that cannot be part of an event's key, or that is blank."""
    if not event.conference_id.strip():
        raise EventError("invalid_field", "`conference_id` is empty.", "conference_id")
    if "/" in event.conference_id:
        raise EventError("invalid_field", "`conference_id` may not contain `/`.", "conference_id")


def make_row(event: EventType, client: Client) -> EventRow:
    """The row of one event of any age, whose clock is trusted: for events that do not come through the door.

    Raises EventError.
    """
    check_conference(event)
    complete([event], client, sent_ms=None, acceptance_days=None)
    (row,) = make_rows([event], received_ms=client.received_ms, is_bot=client.is_bot)
    return row


def complete(
    events: Sequence[EventType],
    client: Client,
    *,
    sent_ms: int | None,
    acceptance_days: int | None,
    warn: Warn = ignore,
    check_time: Callable[[Timestamp], None] | None = None,
) -> None:
    """Complete valid events of one request in place: corrected time, ids.

    sent_ms: when the batch was sent by the client's clock, UTC milliseconds; None: its clock is trusted.
    check_time: called with each time that needs correction; what it raises is raised.
    Raises EventError at the first with a time out of range or with what only the server may say.
    """
    received_ms, is_server, secret_of = client.received_ms, client.is_server, client.secret_of
    oldest_ms = None if acceptance_days is None else received_ms - acceptance_days * MS_PER_DAY
    # A time in milliseconds from here on is taken as it is, as event_time_ms would do, without the call.
    believed_from_ms = math.inf if sent_ms is not None or oldest_ms is None else oldest_ms
    reserved, first_reserved = _RESERVED, _FIRST_RESERVED
    if secret_of is not None and any(event.conference_id != secret_of for event in events):
        raise EventError("wrong_key", "The secret key is one of another conference.", "conference_id")
    for event_type, same in groupby(events, type):
        read_needed, has_own_subject = _checks[event_type]
        for event in same:
            ts = event.ts
            if ts is None:
                event.ts = received_ms
            elif not (type(ts) is int and believed_from_ms <= ts <= received_ms):
                if check_time is not None:
                    check_time(ts)
                event.ts = _correct_time(ts, sent_ms=sent_ms, received_ms=received_ms, oldest_ms=oldest_ms)
            visitor_id = event.visitor_id
            if visitor_id is None:
                event.visitor_id = client.visitor_id(event.conference_id)
            elif len(visitor_id) <= MAX_PLACEHOLDER and visitor_id in PLACEHOLDERS and not is_server:
                raise _refuse_placeholder("visitor_id")
            event_id = event.event_id
            if event_id is None:
                event.event_id = str(_new_id())
            elif len(event_id) <= MAX_PLACEHOLDER and event_id in PLACEHOLDERS and not is_server:
                raise _refuse_placeholder("event_id")
            # The comparison alone costs a fifth, and tells of any UUID that it is not reserved.
            elif event_id >= first_reserved and event_id.startswith(reserved) and not is_server:
                raise _refuse_id()
            if read_needed is not None and not read_needed(event).strip() and not is_server:
                raise _refuse(event)
            if has_own_subject:
                subject = event.subject()
                _check_subject(subject)
                if subject in PLACEHOLDERS and not is_server:
                    raise _refuse_placeholder("registration_id")
            if event.properties:
                event.properties = fit_properties(event.properties, warn)
    if secret_of is not None:
        for event in events:
            event.event_id = f"{SECRET_PREFIX}{event.event_id}"


def _correct_time(ts: Timestamp, *, sent_ms: int | None, received_ms: int, oldest_ms: int | None) -> int:
    try:
        return event_time_ms(ts, sent_ms=sent_ms, received_ms=received_ms, oldest_ms=oldest_ms)
    except TooOldError:
        age = "1970" if oldest_ms is None else f"{(received_ms - oldest_ms) // MS_PER_DAY} days ago"
        raise EventError("too_old", f"`ts` is before {age}.", "ts") from None
    except SecondsError:
        message = "`ts` is in seconds; as a number it counts milliseconds since 1970."
        raise EventError("too_old", message, "ts") from None
    except (OverflowError, ValueError):
        raise EventError("invalid_field", "`ts` is not a time.", "ts") from None


class _Checks(dict[type[EventType], tuple[Callable[[EventType], str] | None, bool]]):
    """What is checked of a type's events.

    First, what reads a text that a client may not leave blank: the least of the type's own required texts;
    None: it has none. Of a type that is only for the server it is always blank. Second, whether the subject
    is the type's own: a visitor's id is bounded already.
    """

    def __missing__(self, event_type: type[EventType]) -> tuple[Callable[[EventType], str] | None, bool]:
        names = _required_texts(event_type)
        read: Callable[[EventType], str] | None = None
        if event_type.internal:
            read = lambda event: ""  # noqa: E731
        elif len(names) == 1:
            read = attrgetter(names[0])
        elif names:
            read = lambda event: min(getattr(event, name).strip() for name in names)  # noqa: E731
        self[event_type] = read, event_type.subject is not EventType.subject
        return self[event_type]


_checks = _Checks()


def _required_texts(event_type: type[EventType]) -> list[str]:
    return [
        field.name
        for field in msgspec.inspect.type_info(event_type).fields  # type: ignore[attr-defined]
        if field.required
        and field.name not in COMMON_FIELDS
        and isinstance(field.type, msgspec.inspect.StrType)
        and field.type.pattern is None
    ]


def refuse_placeholders(event: EventType) -> None:
    """Raise EventError for an id such as `undefined`, as `complete` does for clients."""
    for name in ("event_id", "visitor_id", "registration_id"):
        if getattr(event, name, None) in PLACEHOLDERS:
            raise _refuse_placeholder(name)


def _refuse_placeholder(name: str) -> EventError:
    """Of an event that nobody looked at alone: that leaves it out (`leave_out_placeholders`)."""
    return EventError("invalid_field", f"`{name}` stands for no id.", name)


def _refuse_id() -> EventError:
    message = f"`event_id`: `{OWN_PREFIX}` and `{SECRET_PREFIX}` begin the ids of others than clients."
    return EventError("reserved", message, "event_id")


def _refuse(event: EventType) -> EventError:
    if event.internal:
        return EventError("reserved", "Only the server itself makes events of this type.", "type")
    name = next(name for name in _required_texts(type(event)) if not getattr(event, name).strip())
    return EventError("invalid_field", f"`{name}` is empty.", name)


def _check_subject(subject: str | None) -> None:
    """Raise EventError for a subject that is too long for the store."""
    if subject is not None and len(subject) > MAX_SUBJECT_LENGTH:
        message = f"What the event is about has {len(subject)} characters; at most {MAX_SUBJECT_LENGTH} fit."
        raise EventError("subject_too_long", message)
