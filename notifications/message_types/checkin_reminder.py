"""Reminds attendees that the conference begins soon. notifications/services/reminding.py creates it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from conferences.models import CheckIn, Conference, Registration
from notifications.message_types._base import MessageType, State, register
from notifications.models import Notification


@register
class CheckinReminder(MessageType):
    """A reminder. facts: `hours_before`, and `starts_at`, the start (ISO 8601) when it was written."""

    key: ClassVar[str] = "checkin_reminder"
    label = _("Check-in reminder")
    channels: ClassVar[Sequence[str]] = ("email", "sms")
    transactional: ClassVar[bool] = False
    states: ClassVar[frozenset[str]] = frozenset({State.APPROVED})
    has_badge: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {"hours_before": 24}

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        return conference.starts_at

    def find_obstacle(
        self, notification: Notification, registration: Registration, *, now: dt.datetime
    ) -> str | None:
        starts_at = registration.conference.starts_at
        if starts_at is None:
            return "the conference has no date"
        if not notification.on_request:
            if notification.facts.get("starts_at") != starts_at.isoformat():
                return "the conference was moved; it gets a reminder of its own for the new date"
            if CheckIn.objects.filter(registration_id=registration.pk, undone_at=None).exists():
                return "the attendee is checked in"
        return super().find_obstacle(notification, registration, now=now)

    def sms_parameters(self, context: dict[str, Any]) -> dict[str, str]:
        """Return `conference`, `time` (local, `05-18 09:00`) and `venue`."""
        conference = context["conference"]
        starts_at = timezone.localtime(conference["starts_at"])
        return {
            "conference": conference["name"],
            "time": date_format(starts_at, "m-d H:i"),
            "venue": conference["venue"],
        }
