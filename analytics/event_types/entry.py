"""An attendee came in at the door, for the first time or again.

Made by the server only (analytics/own_events.py). The first entry is a `checkin`, too. `present` counts
entries: analytics/days/attendance.py.
"""

from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Id, register


@register
class EntryEvent(EventType, tag="entry", kw_only=True):
    label: ClassVar[str] = gettext_noop("Entry")
    internal: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {"registration_id": "0199d3a86f5e7c1a9b7e0a4f6d2c8e10"}

    registration_id: Id

    def subject(self) -> str | None:
        return self.registration_id
