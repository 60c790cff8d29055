"""An attendee was checked in at the door."""

from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Figure, Id, Text, register


@register
class CheckInEvent(EventType, tag="checkin", kw_only=True):
    label: ClassVar[str] = gettext_noop("Check-in")
    # Its figure is counted over all days: analytics/days/attendance.py.
    figures: ClassVar[dict[str, Figure]] = {}
    example: ClassVar[dict[str, Any]] = {"method": "qr", "registration_id": "5b0e9a4c"}

    method: Text
    registration_id: Id | None = None

    def subject(self) -> str | None:
        return self.registration_id
