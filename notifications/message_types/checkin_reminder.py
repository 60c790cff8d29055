"""The conference begins soon. notifications/services/reminding.py makes it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from notifications.message_types._base import MessageType, State, register


@register
class CheckinReminder(MessageType):
    key: ClassVar[str] = "checkin_reminder"
    label = _("Check-in reminder")
    channels: ClassVar[Sequence[str]] = ("email", "sms")
    transactional: ClassVar[bool] = False
    states: ClassVar[frozenset[str]] = frozenset({State.APPROVED})
    has_badge: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {"hours_before": 24}

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        return conference.starts_at

    def sms_parameters(self, context: dict[str, Any]) -> dict[str, str]:
        """`conference`, `time` (local, `05-18 09:00`) and `venue`."""
        conference = context["conference"]
        starts_at = timezone.localtime(conference["starts_at"])
        return {
            "conference": conference["name"],
            "time": date_format(starts_at, "m-d H:i"),
            "venue": conference["venue"],
        }
