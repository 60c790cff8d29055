"""From the bytes of a batch to events: each bad one is rejected by itself, with its index and field.

Most batches are whole and are decoded in one call. Only when that fails, or when a string needs a closer
look, the batch is taken apart and each event judged alone.
"""

import json
import math
import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any, Union

import msgspec
import uuid_utils

from analytics.event_types import EVENT_TYPES, OWN_PREFIX, EventType
from analytics.event_types._base import Timestamp
from analytics.events.batch import Batch, make_row_maker
from analytics.events.clock import MS_PER_DAY, TooOldError, event_time_ms, to_ms
from analytics.events.rows import EventRow

MAX_PROPERTIES_BYTES = 8192
MAX_SUBJECT_LENGTH = 64
# How deep an event's values may nest: MongoDB refuses 100 levels, and nobody reads more than a few.
MAX_DEPTH = 32
_MAX_INT = 2**63 - 1


class BatchError(Exception):
    """The batch as a whole cannot be taken. `code` is one of the API's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rejection(msgspec.Struct, omit_defaults=True):
    """Why one event was not taken: its place in the batch, and the field where one can be named.

    index None: the batch's own `sent_at`, which costs no event.
    """

    index: int | None
    code: str
    message: str
    field: str | None = None


class EventError(Exception):
    """One event cannot be taken; `field` names what is wrong with it, where one field is."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


class Client(msgspec.Struct):
    """What the request itself says about who sent the batch.

    received_ms: now, UTC milliseconds.
    is_bot: whether the user agent is a crawler's.
    visitor_id: makes an id for visitors that the client gave none, from the conference's id.
    is_server: whether this is no client but the server or its operator, who may make internal events and
        use the ids of facts (analytics/own_events.py).
    """

    received_ms: int
    is_bot: bool
    visitor_id: Callable[[str], str]
    is_server: bool = False


class _SentBatch(msgspec.Struct):
    events: list[Any]
    sent_at: Any = None  # as it was sent: read by _read_sent_at


@lru_cache(maxsize=1)
def _strict_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes a batch in which every event is valid and has no extra fields; fails on any other."""
    any_event: Any = Union[tuple(EVENT_TYPES.values())]  # noqa: UP007  of as many as there are
    fields: list[Any] = [("events", list[any_event]), ("sent_at", Timestamp | None, None)]
    return msgspec.json.Decoder(msgspec.defstruct("StrictBatch", fields))


_encode_json = msgspec.json.Encoder().encode
_new_id = uuid_utils.uuid7


def read_batch(
    body: bytes, client: Client, *, max_events: int, acceptance_days: int | None
) -> tuple[Batch[EventType], list[Rejection]]:
    """The good events of a request, and a rejection for each of the others and for a bad `sent_at`.

    acceptance_days: how old an event may be; None: any age.
    Raises BatchError: `invalid_json`, `no_events`, `too_many_events`.
    """
    sent: Any
    # Backslashes are rare, and one byte is found in a tenth of the time of six.
    whole = b"\\" not in body or b"\\u0000" not in body
    if whole:
        try:
            sent = _strict_decoder().decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            whole = False
    if not whole:
        sent = _read_loosely(body)
    if not sent.events:
        raise BatchError("no_events", "`events` is empty; send at least one event.")
    if len(sent.events) > max_events:
        raise BatchError("too_many_events", f"{len(sent.events)} events; at most {max_events} fit a batch.")

    events: list[EventType] = []
    rejections: list[Rejection] = []
    sent_ms = None
    if sent.sent_at is not None:
        try:
            sent_ms = _read_sent_at(sent.sent_at)
        except EventError as error:
            rejections.append(Rejection(None, error.code, error.message, error.field))
    complete = make_completer(client, sent_ms=sent_ms, acceptance_days=acceptance_days)
    for index, item in enumerate(sent.events):
        try:
            event = item if whole else parse_event(item)
            complete(event)
            events.append(event)
        except EventError as error:
            rejections.append(Rejection(index, error.code, error.message, error.field))
    return Batch(client.received_ms, client.is_bot, events), rejections


def make_row(event: EventType, client: Client) -> EventRow:
    """The row of one event of any age, its clock believed: for events that do not come through the door.

    Raises EventError.
    """
    make_completer(client, sent_ms=None, acceptance_days=None)(event)
    return make_row_maker(client.received_ms, client.is_bot)(event)


def make_completer(
    client: Client, *, sent_ms: int | None, acceptance_days: int | None
) -> Callable[[EventType], None]:
    """A function that completes the valid events of one request in place: corrected time, ids.

    It raises EventError for a time out of range, for properties that cannot be kept, and for what only the
    server may say. A closure, because it runs for every event, and looking its constants up on an object
    would be a quarter of what it costs.

    sent_ms: when the batch was sent by the client's clock, UTC milliseconds; None: its clock is believed.
    """
    received_ms, is_server = client.received_ms, client.is_server
    oldest_ms = None if acceptance_days is None else received_ms - acceptance_days * MS_PER_DAY
    # From when on a time in milliseconds is taken as it is, as event_time_ms would, without the call.
    believed_from_ms = math.inf if sent_ms is not None or oldest_ms is None else oldest_ms

    def correct_time(ts: Timestamp) -> int:
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
        elif not is_server and event_id.startswith(OWN_PREFIX):
            message = f"Ids that begin with `{OWN_PREFIX}` belong to what the server itself recorded."
            raise EventError("reserved", message, "event_id")
        event_type = type(event)
        if event_type.internal and not is_server:
            raise EventError("reserved", "Only the server itself makes events of this type.", "type")
        if event_type.subject is not _default_subject:
            _check_subject(event.subject())
        if event.properties:
            _check_properties(event.properties)

    return complete


_default_subject = EventType.subject


def _check_subject(subject: str | None) -> None:
    """Raise EventError for one that has no room in the store."""
    if subject is not None and len(subject) > MAX_SUBJECT_LENGTH:
        message = f"What the event is about has {len(subject)} characters; at most {MAX_SUBJECT_LENGTH} fit."
        raise EventError("subject_too_long", message)


def parse_event(item: Any) -> EventType:
    """One event from a decoded JSON value; fields that its type does not declare become properties.

    Raises EventError, which names the field.
    """
    if not isinstance(item, dict):
        raise EventError("not_an_object", f"An event must be an object, not {_json_kind(item)}.")
    _refuse_unstorable(item)
    name = item.get("type")
    if name is None:
        raise EventError("missing_field", "`type` is missing.", "type")
    event_type = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if event_type is None:
        known = ", ".join(sorted(EVENT_TYPES))
        raise EventError("unknown_type", f"{_shorten(name)} is not an event type; known are {known}.", "type")
    declared = event_type.__struct_fields__
    extra = {key: value for key, value in item.items() if key not in declared and key != "type"}
    if extra:
        given = item.get("properties")
        item = {key: value for key, value in item.items() if key not in extra}
        item["properties"] = (
            {**given, **extra} if isinstance(given, dict) else extra if given is None else given
        )
    try:
        return msgspec.convert(item, event_type)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise _explain(str(error)) from None


def read_json(text: bytes) -> Any:
    """A JSON value from UTF-8 bytes. Raises BatchError.

    What msgspec refuses is read again with more patience: bytes that are not UTF-8, halves of surrogate
    pairs, bare control characters, NaN and endless numbers come out as values that `parse_event` refuses,
    so that only the event that has them is lost. What is nested deeper than a thousand levels is not taken
    apart at all, and RFC 8259 (section 9) lets a reader refuse it.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            return json.loads(  # noqa: TID251
                text.decode("utf-8-sig", "surrogateescape"),
                strict=False,
                parse_int=_parse_int,
                parse_constant=float,
            )
        except RecursionError:
            raise BatchError("invalid_json", "The JSON is nested too deeply.") from None
        except ValueError as error:
            raise BatchError("invalid_json", f"This is not JSON: {_shorten(str(error))}.") from None


def _parse_int(digits: str) -> int | float:
    """Python refuses to read more than 4,300 digits; from 40 on, a float is as far out of range."""
    return int(digits) if len(digits) < 40 else float(digits)


def _read_loosely(body: bytes) -> _SentBatch:
    """The batch with its events as plain JSON values. Raises BatchError."""
    raw = read_json(body)
    if not isinstance(raw, dict):
        raise BatchError("no_events", f"The body must be an object with `events`, not {_json_kind(raw)}.")
    if "events" not in raw:
        raise BatchError("no_events", "`events` is missing.")
    if not isinstance(raw["events"], list):
        raise BatchError("no_events", f"`events` must be an array, not {_json_kind(raw['events'])}.")
    return _SentBatch(raw["events"], raw.get("sent_at"))


def _read_sent_at(value: Any) -> int:
    """UTC milliseconds. Raises EventError."""
    try:
        return to_ms(msgspec.convert(value, Timestamp))
    except (msgspec.ValidationError, OverflowError, ValueError):
        message = "`sent_at` is not a time, so the times of the events were taken as they are."
        raise EventError("invalid_field", message, "sent_at") from None


def _refuse_unstorable(value: Any, path: str = "", *, levels: int = MAX_DEPTH) -> None:
    """Raise EventError for what some store cannot keep, with its path below `path`.

    That is: NUL characters and bytes that are no text, integers of more than 64 bits, infinities and NaN,
    nesting of more than `levels`.
    """
    fault = _find_unstorable(value, levels)
    if fault is not None:
        code, problem, steps = fault
        for step in reversed(steps):
            path += step if step.startswith("[") else f".{step}" if path else step
        raise EventError(code, f"`{path}` {problem}.", path)


_Fault = tuple[str, str, list[str]]


def _find_unstorable(value: Any, levels: int) -> _Fault | None:
    """The code, the problem, and the way to it from the inside out, which costs nothing while all is well."""
    if isinstance(value, str):
        return _find_bad_text(value)
    if isinstance(value, float):
        return None if isfinite(value) else ("invalid_field", "is not a finite number", [])
    if isinstance(value, int):
        fits = -_MAX_INT <= value <= _MAX_INT  # MongoDB's largest
        return None if fits else ("invalid_field", "has more than 64 bits", [])
    if not isinstance(value, dict | list):
        return None
    if levels == 0:
        return ("too_deep", f"is nested deeper than {MAX_DEPTH} levels", [])
    fault: _Fault | None
    if isinstance(value, dict):
        for key, inner in value.items():
            fault = _find_bad_text(key) or _find_unstorable(inner, levels - 1)
            if fault is not None:
                fault[2].append(key.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")[:64])
                return fault
    else:
        for position, inner in enumerate(value):
            fault = _find_unstorable(inner, levels - 1)
            if fault is not None:
                fault[2].append(f"[{position}]")
                return fault
    return None


def _find_bad_text(text: str) -> _Fault | None:
    if "\0" in text:
        return ("invalid_text", "contains a NUL character", [])
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return ("invalid_text", "contains half of a surrogate pair, or bytes that are not UTF-8", [])
    return None


def _check_properties(properties: dict[str, Any]) -> None:
    """Raise EventError where they are too large, or not all can be stored."""
    encoded = _encode_json(properties)
    if len(encoded) > MAX_PROPERTIES_BYTES:
        raise EventError(
            "properties_too_large",
            f"`properties`, extra fields included, take {len(encoded)} bytes as JSON; at most "
            f"{MAX_PROPERTIES_BYTES} are kept.",
            "properties",
        )
    _refuse_unstorable(properties, "properties", levels=MAX_DEPTH - 1)


_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")


def _explain(message: str) -> EventError:
    """A msgspec error in our terms: `missing_field` or `invalid_field`, with the field's name."""
    path_match = _PATH.search(message)
    path = path_match["path"] if path_match else ""
    text = _PATH.sub("", message)
    missing = _MISSING.search(text)
    if missing:
        field = f"{path}.{missing['field']}" if path else missing["field"]
        return EventError("missing_field", f"`{field}` is missing.", field)
    return EventError("invalid_field", f"`{path}`: {text}." if path else f"{text}.", path or None)


def _json_kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return kinds.get(type(value), "an array" if isinstance(value, list) else "an object")


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text
    return text if len(text) <= 80 else f"{text[:80]}…"
