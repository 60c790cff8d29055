"""The catalogue of event types as TypeScript, for the SDK in `webapi/`: `bin/generate` writes it there.

A field that the catalogue does not have, or one of another type, is then a compile error in the frontend.
"""

import inspect
import sys
from typing import Any

import msgspec

from analytics.event_types import EVENT_TYPES, EventType
from analytics.event_types._base import COMMON_FIELDS

_HEAD = """\
// Written by bin/generate from analytics/event_types/: do not edit.
"""

_COMMON = """
/** What every event may carry; `init` and the SDK fill in what is left out. */
export interface CommonFields {
"""

# What the SDK fills in itself, so that its callers may leave it out.
_COMMON_COMMENTS = {
    "conference_id": "The conference; by default the one given to `init`.",
    "event_id": "Identifies the event: sent again, it counts once. By default a new UUIDv7.",
    "visitor_id": "By default the visitor's first-party id.",
    "session_id": "By default the visitor's session.",
    "ts": "When it happened: RFC 3339, or milliseconds since 1970. By default now.",
    "properties": "Anything else, at most 8 KiB as JSON.",
}


def event_types_module() -> str:
    """The source text of `webapi/src/generated/events.ts`."""
    types = sorted((member for member in EVENT_TYPES.values() if not member.internal), key=_tag)
    parts = [_HEAD, _COMMON, *_fields(EventType, only=COMMON_FIELDS), "}\n"]
    for event_type in types:
        parts += [
            f"\n/** {_first_line(event_type)} */\n",
            f"export interface {event_type.__name__} extends CommonFields {{\n",
            *_fields(event_type, but=COMMON_FIELDS),
            "}\n",
        ]
    parts.append("\n/** The fields of each event type. */\nexport interface EventTypes {\n")
    parts += [f"  {_tag(event_type)}: {event_type.__name__}\n" for event_type in types]
    parts.append("}\n")
    return "".join(parts)


def _fields(
    event_type: type[EventType], *, only: frozenset[str] | None = None, but: frozenset[str] = frozenset()
) -> list[str]:
    lines = []
    info: Any = msgspec.inspect.type_info(event_type)
    for field in info.fields:
        if field.name in but or (only is not None and field.name not in only):
            continue
        comment = _COMMON_COMMENTS[field.name] if only else _bounds(field.type)
        if comment:
            lines.append(f"  /** {comment} */\n")
        # With exactOptionalPropertyTypes, `undefined` may be passed only where the type says so.
        mark, more = ("", "") if field.required and not only else ("?", " | undefined")
        lines.append(f"  {field.name}{mark}: {_type(field.type)}{more}\n")
    return lines


def _type(info: msgspec.inspect.Type) -> str:
    """A type of the catalogue in TypeScript. Raises TypeError for a kind that is not known here yet."""
    kinds = msgspec.inspect
    match info:
        case kinds.StrType() | kinds.DateTimeType():
            return "string"
        case kinds.IntType() | kinds.FloatType():
            return "number"
        case kinds.BoolType():
            return "boolean"
        case kinds.LiteralType():
            return " | ".join(msgspec.json.encode(value).decode() for value in info.values)
        case kinds.ListType():
            item = _type(info.item_type)
            return f"({item})[]" if " " in item else f"{item}[]"
        case kinds.DictType():
            return "Record<string, unknown>"
        case kinds.UnionType():
            # Left out says the same as null.
            known = dict.fromkeys(_type(part) for part in info.types if not isinstance(part, kinds.NoneType))
            return " | ".join(known)
    raise TypeError(f"{info!r} has no counterpart in TypeScript here yet")


def _bounds(info: msgspec.inspect.Type) -> str:
    """What the type says beyond its TypeScript counterpart: "At most 512 characters."; "" where nothing."""
    kinds = msgspec.inspect
    match info:
        case kinds.UnionType():
            return next(filter(None, map(_bounds, info.types)), "")
        case kinds.StrType(pattern=str() as pattern):
            return f"Matches `{pattern}`."
        case kinds.StrType(max_length=int() as length):
            return f"At most {length} characters."
        case kinds.ListType(max_length=int() as length):
            return f"At most {length} items."
        case kinds.IntType(ge=low, le=high) | kinds.FloatType(ge=low, le=high):
            return f"From {low} to {high}."
    return ""


def _first_line(event_type: type[EventType]) -> str:
    """The sentence that the type's file begins with."""
    text = inspect.getdoc(sys.modules[event_type.__module__]) or event_type.label
    return text.split("\n\n")[0].replace("\n", " ")


def _tag(event_type: type[EventType]) -> str:
    return str(event_type.__struct_config__.tag)
