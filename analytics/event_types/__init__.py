"""The catalogue of event types: a file per type, and everything about a type is derived from its file.

Validation and its errors (analytics/events/validation.py), the JSON Schema and OpenAPI description
(analytics/api/schema.py), the admin's label, and the figures of the daily summary that the type feeds
(analytics/days/figures.py). CONTRIBUTING.md has the recipe for a new one.
"""

from analytics.event_types._base import (
    ATTENDANCE_TYPES,
    EVENT_TYPES,
    LASTING_TYPES,
    OWN_PREFIX,
    SECRET_PREFIX,
    EventType,
    Figure,
    Id,
    LongText,
    Text,
    all_figure_names,
    is_confirmed,
    is_own,
    register,
)

__all__ = [
    "ATTENDANCE_TYPES",
    "EVENT_TYPES",
    "LASTING_TYPES",
    "OWN_PREFIX",
    "SECRET_PREFIX",
    "EventType",
    "Figure",
    "Id",
    "LongText",
    "Text",
    "all_figure_names",
    "is_confirmed",
    "is_own",
    "register",
]
