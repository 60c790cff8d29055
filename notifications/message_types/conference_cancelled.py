"""The organizers announce that the conference does not take place (services/announcing.py)."""

import datetime as dt
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, Registration
from notifications.message_types._base import MessageType, State, register
from notifications.models import Notification


@register
class ConferenceCancelled(MessageType):
    key: ClassVar[str] = "conference_cancelled"
    label = _("Conference cancelled")
    states: ClassVar[frozenset[str]] = frozenset({State.PENDING, State.APPROVED, State.WAITING})
    outlives_conference: ClassVar[bool] = True
    calendar_method: ClassVar[str] = "CANCEL"

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        return None

    def find_obstacle(
        self, notification: Notification, registration: Registration, *, now: dt.datetime
    ) -> str | None:
        if registration.conference.cancelled_at is None:
            return "overtaken: the conference takes place"
        return super().find_obstacle(notification, registration, now=now)
