"""The organizers announce a new date or place (services/announcing.py)."""

import datetime as dt
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from conferences.models import Registration
from notifications.message_types._base import MessageType, State, register
from notifications.models import Announcement, Notification


@register
class ConferenceMoved(MessageType):
    key: ClassVar[str] = "conference_moved"
    label = _("New date or place")
    states: ClassVar[frozenset[str]] = frozenset({State.PENDING, State.APPROVED, State.WAITING})
    calendar_method: ClassVar[str] = "REQUEST"

    def find_obstacle(
        self, notification: Notification, registration: Registration, *, now: dt.datetime
    ) -> str | None:
        announced = Announcement.objects.filter(conference_id=notification.conference_id)
        latest = announced.values_list("id", flat=True).first()
        if not notification.on_request and str(latest) != notification.facts.get("announcement"):
            return "overtaken by a later announcement"
        return super().find_obstacle(notification, registration, now=now)
