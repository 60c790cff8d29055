"""`Batch`: events on their way from the door through the stream to the worker, which turns them into rows."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby, starmap
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, Union

import msgspec

from analytics.context.describing import describe
from analytics.event_types import EVENT_TYPES, EventType
from analytics.event_types._base import COMMON_FIELDS
from analytics.events.rows import EventRow

_Event = TypeVar("_Event")


class Batch(msgspec.Struct, Generic[_Event], array_like=True, gc=False):
    """Events that came in one request.

    It travels as a MessagePack array, so the order of the fields is part of the stream's entry format. New
    fields come last and have a default: an older batch lacks them, an older worker skips them.

    received_ms: arrival, UTC milliseconds since 1970.
    is_bot: whether the door knows that a crawler sent them; the worker judges by `agent`.
    events: each with its `event_id`, its `visitor_id`, and `ts` in UTC milliseconds.
    client: who sent it, for the quota of reports; "" for a batch without any.
    agent, country: the user agent's text, at most 512 characters, and the country of the address; "" where
        they are not known. The worker makes the events' context of them (analytics/context).
    """

    received_ms: int
    is_bot: bool
    events: list[_Event]
    client: str = ""
    agent: str = ""
    country: str = ""


def to_rows(batch: Batch[EventType]) -> list[EventRow]:
    """The rows of a batch's events. Raises what the types' own code raises."""
    sender = describe(batch.agent, batch.country)
    return make_rows(
        batch.events,
        received_ms=batch.received_ms,
        is_bot=batch.is_bot or sender.is_bot,
        client=batch.client,
        context=sender.context,
    )


def make_rows(
    events: Sequence[EventType], *, received_ms: int, is_bot: bool, client: str = "", context: str = ""
) -> list[EventRow]:
    """Make rows of complete events that came together. Raises what the types' own code raises.

    In runs of a type: what a type's events have in common is looked up once, and the texts of a run are
    encoded at once.
    """
    rows: list[EventRow] = []
    for event_type, run in groupby(events, type):
        same = list(run)
        name, get_values, own_type, get_subject, get_derived = _shapes.get(event_type) or _shape(event_type)
        own: list[Any] = list(starmap(own_type, map(get_values, same)))
        if get_derived is not None:
            derived = list(map(get_derived, same))
            if any(derived):
                own = [
                    {**msgspec.to_builtins(fields), **more} if more else fields
                    for fields, more in zip(own, derived, strict=True)
                ]
        texts = _encode_lines(own).decode().split("\n")  # JSON has no line ends of its own
        rows += [
            EventRow(
                event.event_id,  # type: ignore[arg-type]
                name,
                event.conference_id,
                event.ts,  # type: ignore[arg-type]
                received_ms,
                event.visitor_id,  # type: ignore[arg-type]
                event.session_id or "",
                (event.visitor_id if get_subject is None else get_subject(event)) or event.event_id,  # type: ignore[arg-type]
                is_bot,
                text,
                _encode_json(event.properties).decode() if event.properties else "{}",
                None,
                "",
                client,
                context,
            )
            for event, text in zip(same, texts, strict=False)  # the last line has an end, too
        ]
    return rows


class _Shape(NamedTuple):
    """What the rows of all events of a type have in common, computed once.

    get_values, own_type: the values of the type's own fields, and a struct of these fields that leaves out
        defaults when it is encoded, at half the cost of picking the fields into a dict.
    get_subject, get_derived: None if the type does not override the default.
    """

    name: str
    get_values: Callable[[EventType], tuple[Any, ...]]
    own_type: type[msgspec.Struct]
    get_subject: Callable[[EventType], str | None] | None
    get_derived: Callable[[EventType], dict[str, Any]] | None


_shapes: dict[type[EventType], _Shape] = {}


def _shape(event_type: type[EventType]) -> _Shape:
    own_fields = [field for field in msgspec.structs.fields(event_type) if field.name not in COMMON_FIELDS]
    names = [field.name for field in own_fields]
    own_type = msgspec.defstruct(
        f"{event_type.__name__}Fields",
        [(field.name, Any, None if field.default is None else "") for field in own_fields],
        omit_defaults=True,
        gc=False,
    )
    config: Any = event_type.__struct_config__
    shape = _Shape(
        name=config.tag,
        get_values=attrgetter(*names)
        if len(names) > 1
        else lambda event: tuple(getattr(event, name) for name in names),
        own_type=own_type,
        get_subject=None if event_type.subject is EventType.subject else event_type.subject,
        get_derived=None
        if event_type.derived_fields is EventType.derived_fields
        else event_type.derived_fields,
    )
    _shapes[event_type] = shape
    return shape


def alias_shape(other: type[EventType], event_type: type[EventType]) -> None:
    """Make rows of the events of `other`, a subclass with more fields, as those of `event_type`."""
    _shapes[other] = _shape(event_type)


_encode_json = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


@lru_cache(maxsize=1)
def carried_types() -> Any:
    """The union of the event types as they come out of the stream: see `_carried`."""
    return Union[tuple(map(_carried, EVENT_TYPES.values()))]  # noqa: UP007  of as many as there are


def _carried(event_type: type[EventType]) -> type[EventType]:
    """The type without its rules: the door has already applied those of its time.

    A field may have been added, removed or given another rule since, and the event still counts. A field that
    it lacks reads as empty.
    """
    config: Any = event_type.__struct_config__
    own = [
        (field.name, Any, "" if field.required else field.default)
        for field in msgspec.structs.fields(event_type)
        if field.name not in COMMON_FIELDS
    ]
    carried: Any = msgspec.defstruct(
        event_type.__name__,
        [("conference_id", str), ("event_id", str), ("visitor_id", str), ("ts", int), *own],
        bases=(event_type,),
        tag=config.tag,
        tag_field=config.tag_field,
        kw_only=True,
        forbid_unknown_fields=False,
    )
    return carried  # type: ignore[no-any-return]
