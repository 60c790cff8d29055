"""An entry was taken back. Made by the server only (analytics/own_events.py).

Its event time is that of the entry.
"""

from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Id, register


@register
class EntryUndoneEvent(EventType, tag="entry_undone", kw_only=True):
    label: ClassVar[str] = gettext_noop("Entry undone")
    internal: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "registration_id": "0199d3a86f5e7c1a9b7e0a4f6d2c8e10",
        "entry_event_id": "own:entry:0199d3a9c0de7b52a1f3d6e87b90c4ab",
    }

    registration_id: Id
    entry_event_id: Id

    def subject(self) -> str | None:
        return self.registration_id
