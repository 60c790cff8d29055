"""What all event types share: the common fields, the figures and the registry."""

import datetime as dt
from enum import Enum
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta

from meeteasy.core.registry import Registry

# A text of at most so many characters is an id: it is never cut (analytics/events/parsing.py).
MAX_ID_LENGTH = 64
Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]
Text = Annotated[str, Meta(min_length=1, max_length=512)]
LongText = Annotated[str, Meta(max_length=2048)]
# RFC 3339 with a zone, or milliseconds since 1970-01-01T00:00Z. The range is checked when the clock is
# corrected (analytics/events/clock.py): any number is a time, if not one that is accepted.
Timestamp = Annotated[dt.datetime, Meta(tz=True)] | int | float

# An event's id begins with the class of its sender: the server, of a row of its own, or a secret key. All
# other ids are clients', who may use neither prefix.
OWN_PREFIX = "own:"
SECRET_PREFIX = "key:"  # noqa: S105  no secret


# What is said of a registration; `subject` is its id (analytics/days/attendance.py).
ATTENDANCE_TYPES = frozenset(
    {"checkin", "checkin_undone", "entry", "entry_undone", "registration", "registration_standing"}
)
# What decides who is registered and who is credited. Retention leaves these (docs/adr/0046).
LASTING_TYPES = ATTENDANCE_TYPES | {"share", "share_open"}


def is_own(event_id: str) -> bool:
    """Whether the server made this event of a row of its own."""
    return event_id.startswith(OWN_PREFIX)


def is_confirmed(event_id: str) -> bool:
    """Whether the server or the holder of a secret key says so, and not only a client."""
    return event_id.startswith((OWN_PREFIX, SECRET_PREFIX))


class Figure(Enum):
    """How a figure of the daily summary counts the events of a type, bots left out."""

    EVENTS = "events"
    DISTINCT_SUBJECTS = "distinct subjects"


EVENT_TYPES: Registry["type[EventType]"] = Registry("analytics.event_types")


class EventType(
    msgspec.Struct, tag_field="type", kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Base of the event types, with the fields that all have in common.

    A type is a registered subclass with its name as `tag`, a `label` and its own fields; a field without
    default is required. Fields that a client sends and no type declares go into the event's `properties`.

        @register
        class PageView(EventType, tag="page_view"):
            label: ClassVar[str] = gettext_noop("Page view")
            figures: ClassVar[dict[str, Figure]] = {"pv": Figure.EVENTS}
            page: LongText

    Class attributes:
        label: what the admin shows; in `gettext_noop`, so that it is translated.
        figures: names of the daily figures that this type feeds, and how each counts. Two types may not
            feed the same figure.
        example: own fields of one realistic event; documentation and tests use it.
        internal: only the server makes such events; clients' are refused.
    """

    label: ClassVar[str] = ""
    figures: ClassVar[dict[str, Figure]] = {}
    example: ClassVar[dict[str, Any]] = {}
    internal: ClassVar[bool] = False

    conference_id: Id
    event_id: Id | None = None
    visitor_id: Id | None = None
    session_id: Id | None = None
    ts: Timestamp | None = None
    properties: dict[str, Any] | None = None

    def subject(self) -> str | None:
        """What a DISTINCT_SUBJECTS figure counts once: the visitor by default; None means the event.

        Called by the door, which refuses one that is too long, and by the worker.
        """
        return self.visitor_id

    def derived_fields(self) -> dict[str, Any]:
        """Own fields that the server derives from the others, e.g. UTM parameters from the address.

        Called by the worker, after the client got its answer: an error makes the event a dead letter.
        """
        return {}


_Type = TypeVar("_Type", bound=type[EventType])


def register(event_type: _Type) -> _Type:
    """Class decorator that puts an event type into the catalogue, under its tag.

    Raises TypeError for a field without bounds, which an event could fill with more than can be stored.
    """
    for field in msgspec.inspect.type_info(event_type).fields:  # type: ignore[attr-defined]
        if field.name not in COMMON_FIELDS and not _is_bounded(field.type):
            raise TypeError(
                f"{event_type.__name__}.{field.name}: a field is a bounded text, a number between bounds, a "
                "boolean, or a bounded list of these"
            )
    config: Any = event_type.__struct_config__
    EVENT_TYPES.add(config.tag, event_type)
    return event_type


def _is_bounded(type_info: msgspec.inspect.Type) -> bool:
    inspect = msgspec.inspect
    match type_info:
        case inspect.StrType():
            return type_info.max_length is not None or type_info.pattern is not None
        case inspect.IntType() | inspect.FloatType():
            return type_info.ge is not None and type_info.le is not None
        case inspect.ListType():
            return type_info.max_length is not None and _is_bounded(type_info.item_type)
        case inspect.UnionType():
            return all(_is_bounded(part) for part in type_info.types)
    return isinstance(type_info, inspect.BoolType | inspect.NoneType | inspect.LiteralType)


COMMON_FIELDS = frozenset(EventType.__struct_fields__)


def all_figure_names() -> list[str]:
    """The figures of the catalogue, in the order of the types' names; a figure fed twice raises."""
    names: list[str] = []
    for type_name, event_type in EVENT_TYPES.items():
        for figure in event_type.figures:
            if figure in names:
                raise ValueError(f"{type_name}: another event type already feeds the figure {figure!r}")
            names.append(figure)
    return names
