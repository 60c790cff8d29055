"""Events as lines of JSON: what exports write and imports read.

A line is an event as clients send it, and may say what only the server knows:

    sender        "client", "key" or "own" (analytics/event_types); by default what the id's prefix says
    received_at   when the event came; by default when it happened
    is_bot, hold  as stored
    context       what is known of the sender, as stored (analytics/context)
    derived       own fields that the server derived, in place of deriving them again: the visitor of a proven
                  code may have been erased since
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta

from analytics.context.describing import MAX_VALUE_LENGTH, Field
from analytics.event_types import EVENT_TYPES, OWN_PREFIX, SECRET_PREFIX, EventType
from analytics.event_types._base import COMMON_FIELDS, Timestamp
from analytics.events.batch import alias_shape, make_rows
from analytics.events.clock import now_ms, to_ms
from analytics.events.completing import Client, check_conference, complete, refuse_placeholders
from analytics.events.json_values import json_kind, read_json, refuse_unstorable
from analytics.events.parsing import Warn, ignore, leave_out_placeholders, parse_event, truncate_time
from analytics.events.problems import EventError
from analytics.events.rows import EventRow
from analytics.models import Event

Sender = Literal["client", "key", "own"]
ContextValue = Annotated[str, Meta(min_length=1, max_length=MAX_VALUE_LENGTH)]
_PREFIXES: dict[str, str] = {"key": SECRET_PREFIX, "own": OWN_PREFIX}

_encode = msgspec.json.Encoder().encode


class Receipt(msgspec.Struct, gc=False):
    """What a line says beside the event."""

    sender: Sender | None = None
    received_at: Timestamp | None = None
    is_bot: bool = False
    hold: Literal["", "held", "void"] = ""
    context: dict[Field, ContextValue] | None = None
    derived: dict[str, Any] | None = None


_RECEIPT_FIELDS = Receipt.__struct_fields__


@lru_cache(maxsize=1)
def _decoder() -> msgspec.json.Decoder[Any]:
    """Decodes lines of valid events without extra fields; fails on any other."""
    return msgspec.json.Decoder(Union[tuple(map(_with_receipt, EVENT_TYPES.values()))])  # noqa: UP007


def _with_receipt(event_type: type[EventType]) -> type[EventType]:
    config: Any = event_type.__struct_config__
    fields = [
        (field.name, field.type, field.default)
        if field.default is not msgspec.NODEFAULT
        else (field.name, field.type)
        for field in msgspec.structs.fields(Receipt)
    ]
    extended: Any = msgspec.defstruct(
        event_type.__name__,
        fields,
        bases=(event_type,),
        tag=config.tag,
        tag_field=config.tag_field,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    alias_shape(extended, event_type)
    return extended  # type: ignore[no-any-return]


class LineReader:
    """Makes rows of lines. One for a whole file: what all lines share is made once."""

    def __init__(self) -> None:
        self._now_ms = now_ms()
        self._server = Client(self._now_ms, is_bot=False, visitor_id=lambda conference_id: "", is_server=True)

    def read_many(self, lines: Sequence[tuple[int, bytes]]) -> list[tuple[int, EventRow]] | None:
        """The rows of lines that are all good, in a fifth of the time; None if one needs a closer look.

        lines: numbers and contents, none of them blank.
        """
        text = b"\n".join([line for _, line in lines])
        if b"\\u0000" in text or b".999999" in text:
            return None
        try:
            events = _decoder().decode_lines(text)
            for (number, line), event in zip(lines, events, strict=True):
                _identify(event, event, number, line)
            complete(events, self._server, sent_ms=None, acceptance_days=None)
            rows = make_rows(events, received_ms=0, is_bot=False)
            for event, row in zip(events, rows, strict=True):
                self._apply_receipt(row, event, event)
            return [(number, row) for (number, _), row in zip(lines, rows, strict=True)]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EventError, ValueError):
            return None

    def read(self, number: int, line: bytes, warn: Warn = ignore) -> EventRow:
        """The row of a line, judged as the event door judges an event. Raises EventError or BatchError."""
        item = read_json(line)
        if not isinstance(item, dict):
            raise EventError("not_an_object", f"An event must be an object, not {json_kind(item)}.")
        given = {name: item[name] for name in _RECEIPT_FIELDS if item.get(name) is not None}
        if "context" in given and not _is_context(given["context"]):
            # Other tools' exports have a `context`, too.
            warn("left_out", "`context` is none as exports here have it; it was left out.", "context")
            del given["context"]
        refuse_unstorable(given)
        if isinstance(given.get("received_at"), str):
            given["received_at"] = truncate_time(given["received_at"])
        try:
            receipt = msgspec.convert(given, Receipt)
        except (msgspec.ValidationError, OverflowError, ValueError) as error:
            raise EventError("invalid_field", f"{error}.", next(iter(given))) from None
        sent = {name: item[name] for name in item if name not in _RECEIPT_FIELDS}
        event = parse_event(sent if receipt.sender else leave_out_placeholders(sent, warn), warn)
        _identify(event, receipt, number, line)
        complete([event], self._server, sent_ms=None, acceptance_days=None)
        (row,) = make_rows([event], received_ms=0, is_bot=False)
        self._apply_receipt(row, event, receipt)
        return row

    def _apply_receipt(self, row: EventRow, event: EventType, receipt: Any) -> None:
        """Have the row of an event say what its receipt says: a Receipt, or an event that has its fields."""
        row.received_ms = row.ts_ms
        if receipt.received_at is not None:
            try:
                received_ms = to_ms(receipt.received_at)
            except OverflowError:
                received_ms = -1
            if received_ms < 0:
                raise EventError("invalid_field", "`received_at` is not a time since 1970.", "received_at")
            row.received_ms = min(received_ms, self._now_ms)
            row.ts_ms = min(row.ts_ms, row.received_ms)
        row.is_bot = receipt.is_bot
        row.hold = receipt.hold
        if receipt.context:
            row.context = _encode(dict(sorted(receipt.context.items()))).decode()
        if receipt.derived is not None:
            row.data = _replace_derived(event, row, receipt.derived)


def _identify(event: EventType, receipt: Any, number: int, line: bytes) -> None:
    """Give the event the id of its line if it has none, of its sender's class. Raises EventError."""
    if event.event_id is None:
        digest = hashlib.blake2b(b"%d:%s" % (number, line), digest_size=16).hexdigest()
        event.event_id = f"import-{digest}"
    if receipt.sender is not None:
        event.event_id = _with_prefix(event.event_id, receipt.sender)
    else:
        refuse_placeholders(event)
    check_conference(event)


def _is_context(value: Any) -> bool:
    try:
        refuse_unstorable(value)
        msgspec.convert(value, dict[Field, ContextValue])
    except (EventError, msgspec.ValidationError):
        return False
    return True


def _with_prefix(event_id: str, sender: str) -> str:
    """Raises EventError for an id that belongs to another class of sender."""
    own_prefix = _PREFIXES.get(sender, "")
    if own_prefix and event_id.startswith(own_prefix):
        return event_id
    if event_id.startswith(tuple(_PREFIXES.values())):
        raise EventError("reserved", f"The id is not one of the sender `{sender}`.", "event_id")
    return own_prefix + event_id


def _replace_derived(event: EventType, row: EventRow, derived: dict[str, Any]) -> str:
    declared = event.__struct_fields__
    own = {name: value for name, value in row.decode_data().items() if name in declared}
    names = {name for name in derived if name not in declared and name not in COMMON_FIELDS}
    refuse_unstorable(derived, "derived")
    encoded = _encode({**own, **{name: derived[name] for name in derived if name in names}})
    return encoded.decode()


def write_line(event: Event) -> bytes:
    """A stored event as a line, without its end."""
    event_type = EVENT_TYPES.get(event.type)
    declared = event_type.__struct_fields__ if event_type else ()
    sender = next((name for name, prefix in _PREFIXES.items() if event.event_id.startswith(prefix)), "client")
    line: dict[str, Any] = {
        "type": event.type,
        "conference_id": event.conference_id,
        "event_id": event.event_id.removeprefix(_PREFIXES.get(sender, "")),
        "sender": sender,
        "ts": _to_text(event.ts),
        "received_at": _to_text(event.received_at),
    }
    line.update((name, getattr(event, name)) for name in ("visitor_id", "session_id") if getattr(event, name))
    line.update(
        (name, getattr(event, name)) for name in ("is_bot", "hold", "context") if getattr(event, name)
    )
    if event_type is not None:
        required = [field.name for field in msgspec.structs.fields(event_type) if field.required]
        line.update((name, "") for name in required if name not in line)
        line.update((name, value) for name, value in event.data.items() if name in declared)
        if event_type.derived_fields is not EventType.derived_fields:
            line["derived"] = {name: value for name, value in event.data.items() if name not in declared}
    else:
        line["derived"] = event.data
    if event.properties:
        line["properties"] = event.properties
    return _encode(line)


def _to_text(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
