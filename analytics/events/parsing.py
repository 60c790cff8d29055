"""One event from a decoded JSON value: required fields are strict, decoration never costs the event.

An optional value that cannot be kept as it is is left out, cut or hashed, and the client gets a warning.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import inspect

from analytics.event_types import EVENT_TYPES, EventType
from analytics.event_types._base import COMMON_FIELDS, MAX_ID_LENGTH
from analytics.events.json_values import (
    MAX_DEPTH,
    as_whole,
    find_unstorable,
    json_kind,
    refuse_unstorable,
    shorten,
)
from analytics.events.names import find_declared
from analytics.events.problems import EventError
from meeteasy.core.identifiers import PLACEHOLDERS

# Called with code, message and field for each thing that is odd about an event.
Warn = Callable[[str, str, str | None], None]

MAX_PROPERTIES_BYTES = 8192
# Of one event; a client chooses how many extra fields there are.
_MAX_NAMES_CHECKED = 20
_MAX_PROPERTIES_NAMED = 5
# Without a usable id an event may count twice, and without a usable time on the wrong day.
_NEVER_LEFT_OUT = {"event_id", "ts"}
_OPTIONAL_IDS = ("event_id", "visitor_id", "registration_id")

_encode_json = msgspec.json.Encoder().encode


def ignore(code: str, message: str, field: str | None) -> None:
    """A `Warn` for callers that nobody listens to."""


def parse_event(item: Any, warn: Warn = ignore) -> EventType:
    """One event from a decoded JSON value; fields that its type does not declare become properties.

    Raises EventError, which names the field.
    """
    if not isinstance(item, dict):
        raise EventError("not_an_object", f"An event must be an object, not {json_kind(item)}.")
    event_type = _read_type(item)
    declared = event_type.__struct_fields__
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in item.items():
        if name in declared:
            fields[name] = value
        elif name != "type":
            extra[name] = value
    if extra:
        _warn_of_names(event_type, extra, warn)
        properties = fields.get("properties")
        if properties is None or isinstance(properties, dict):
            fields["properties"] = {**(properties or {}), **extra}
    if isinstance(fields.get("ts"), str):
        fields["ts"] = truncate_time(fields["ts"])
    if find_unstorable(fields, MAX_DEPTH) is None:
        try:
            return msgspec.convert({**fields, "type": item["type"]}, event_type)
        except (msgspec.ValidationError, OverflowError, ValueError):
            pass  # find out which field it is
    return _salvage(event_type, fields, extra, warn)


def leave_out_placeholders(item: Any, warn: Warn) -> Any:
    """A client's event without ids such as `undefined`. Raises EventError if `event_id` is one."""
    if not isinstance(item, dict):
        return item
    found = [name for name in _OPTIONAL_IDS if isinstance(item.get(name), str) and item[name] in PLACEHOLDERS]
    for name in found:
        message = f"`{name}` is `{item[name]}`, which stands for no id."
        if name in _NEVER_LEFT_OUT:
            raise EventError("invalid_field", message, name)
        warn("left_out", f"{message} It was left out.", name)
    return {name: value for name, value in item.items() if name not in found} if found else item


def _read_type(item: dict[str, Any]) -> type[EventType]:
    name = item.get("type")
    if name is None:
        raise EventError("missing_field", "`type` is missing.", "type")
    event_type = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if event_type is None:
        refuse_unstorable(name, "type", levels=MAX_DEPTH - 1)
        known = ", ".join(sorted(name for name, known in EVENT_TYPES.items() if not known.internal))
        raise EventError("unknown_type", f"{shorten(name)} is not an event type; known are {known}.", "type")
    return event_type


def _warn_of_names(event_type: type[EventType], extra: dict[str, Any], warn: Warn) -> None:
    for name in list(extra)[:_MAX_NAMES_CHECKED]:
        declared = find_declared(event_type, name)
        if declared is not None:
            shown = shorten(name)
            warn("unknown_field", f"`{shown}` is kept as a property. Did you mean `{declared}`?", shown)


_FRACTION = re.compile(r"(\.\d{6})\d+")
_LEAP_SECOND = re.compile(r"(\d\d:\d\d:)60(?:\.\d+)?")


def truncate_time(text: str) -> str:
    """An RFC 3339 time with at most six digits of a second, so that no reader rounds it up to the next day.

    A leap second (`23:59:60`) is the last instant of its minute.
    """
    if ":60" in text:
        text = _LEAP_SECOND.sub(r"\g<1>59.999999", text, count=1)
    return _FRACTION.sub(r"\1", text, count=1) if len(text) > len("2026-11-29T23:59:59.999999") else text


class _Field(NamedTuple):
    """A declared field. kind: which repairs it allows; max_length: of a text, else 0."""

    name: str
    type: Any
    kind: Literal["id", "text", "code", "integer", "other"]
    max_length: int
    is_required: bool


@lru_cache(maxsize=256)
def _fields_of(event_type: type[EventType]) -> list[_Field]:
    types = {field.name: field.type for field in msgspec.structs.fields(event_type)}
    return [
        _Field(field.name, types[field.name], *_classify(field.type), field.required)
        for field in inspect.type_info(event_type).fields  # type: ignore[attr-defined]
        if field.name != "properties"
    ]


def _classify(info: inspect.Type) -> tuple[Literal["id", "text", "code", "integer", "other"], int]:
    match info:
        case inspect.Metadata():
            return _classify(info.type)
        case inspect.UnionType():
            parts = [part for part in info.types if not isinstance(part, inspect.NoneType)]
            return _classify(parts[0]) if len(parts) == 1 else ("other", 0)
        case inspect.StrType(pattern=None, max_length=int(length)):
            return ("id" if length == MAX_ID_LENGTH else "text", length)
        case inspect.StrType():
            return ("code", 0)
        case inspect.IntType():
            return ("integer", 0)
    return ("other", 0)


def _salvage(
    event_type: type[EventType], given: dict[str, Any], extra: dict[str, Any], warn: Warn
) -> EventType:
    """The event with what can be kept of its fields. Raises EventError where one is needed."""
    values: dict[str, Any] = {}
    for field in _fields_of(event_type):
        if field.name not in given:
            if field.is_required:
                raise EventError("missing_field", f"`{field.name}` is missing.", field.name)
            continue
        value = given[field.name]
        if value is None and not field.is_required and field.name in COMMON_FIELDS:
            continue
        try:
            values[field.name] = _convert(field, value)
        except EventError as error:
            if field.is_required:
                raise
            repaired = _repair(field, value, error, warn)
            if repaired is not None:
                values[field.name] = repaired
            elif field.name in _NEVER_LEFT_OUT:
                raise
    properties = given.get("properties")
    if properties is not None and not isinstance(properties, dict):
        message = f"`properties` must be an object, not {json_kind(properties)}; it was left out."
        warn("left_out", message, "properties")
        properties = extra
    return event_type(**values, properties=properties)


def _convert(field: _Field, value: Any) -> Any:
    """The value as its type has it. Raises EventError.

    Some clients send ids as numbers, which may have more than 64 bits.
    """
    if field.kind in ("integer", "id"):
        value = as_whole(value)
    if type(value) is int and field.kind in ("id", "text") and not field.is_required:
        value = str(value)
    refuse_unstorable(value, field.name)
    try:
        return msgspec.convert(value, field.type)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise _explain(field, str(error)) from None


def _repair(field: _Field, value: Any, error: EventError, warn: Warn) -> str | None:
    """What is kept of an optional value that cannot be kept as it is; None: nothing. Warns of either."""
    name = field.name
    if isinstance(value, str) and error.code != "invalid_text" and len(value) > field.max_length > 0:
        if field.kind == "id":
            digest = hashlib.sha256(value.encode()).hexdigest()
            message = f"`{name}` has {len(value)} characters; its SHA-256 {digest} takes its place."
            warn("hashed", message, name)
            return digest
        warn("cut", f"`{name}` has {len(value)} characters; it was cut to {field.max_length}.", name)
        return value[: field.max_length]
    if name in _NEVER_LEFT_OUT:
        return None
    if value is None or value == "":
        warn("left_out", f"`{name}` is {'null' if value is None else 'empty'}; it was left out.", name)
    else:
        code = "malformed_code" if field.kind == "code" else "left_out"
        warn(code, f"{error.message} It was left out.", name)
    return None


_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")


def _explain(field: _Field, message: str) -> EventError:
    """A msgspec error in our terms, with the path to the value at fault."""
    match = _PATH.search(message)
    path = field.name + (match["path"] if match else "")
    text = _PATH.sub("", message)
    if field.kind == "code" and "regex" in text:
        text = "a share code is 4 to 16 letters, digits, `-` or `_`"
    return EventError("invalid_field", f"`{path}`: {text}.", path)


def fit_properties(properties: dict[str, Any], warn: Warn) -> dict[str, Any]:
    """The properties that can be stored and fit into MAX_PROPERTIES_BYTES of JSON; warns of the others."""
    if (
        find_unstorable(properties, MAX_DEPTH - 1) is None
        and len(_encode_json(properties)) <= MAX_PROPERTIES_BYTES
    ):
        return properties
    kept: dict[str, Any] = {}
    size = 2
    left_out: list[tuple[str, str, str]] = []
    for key, value in properties.items():
        try:
            refuse_unstorable({key: value}, "properties", levels=MAX_DEPTH - 1)
        except EventError as error:
            left_out.append((error.code, f"{error.message} It was left out.", error.field or "properties"))
            continue
        more = len(_encode_json(key)) + len(_encode_json(value)) + 2
        if size + more > MAX_PROPERTIES_BYTES:
            message = (
                f"`properties`, extra fields included, take more than {MAX_PROPERTIES_BYTES} bytes as JSON; "
                f"`{shorten(key)}` was left out."
            )
            left_out.append(("properties_too_large", message, "properties"))
            continue
        kept[key] = value
        size += more
    for code, message, field in left_out[:_MAX_PROPERTIES_NAMED]:
        warn(code, message, field)
    if len(left_out) > _MAX_PROPERTIES_NAMED:
        more = len(left_out) - _MAX_PROPERTIES_NAMED
        warn("left_out", f"{more} more properties were left out.", "properties")
    return kept
