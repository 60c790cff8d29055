"""A visitor registered for the conference."""

from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Figure, Id, Text, register


@register
class RegistrationEvent(EventType, tag="registration", kw_only=True):
    label: ClassVar[str] = gettext_noop("Registration")
    figures: ClassVar[dict[str, Figure]] = {"registrations": Figure.DISTINCT_SUBJECTS}
    example: ClassVar[dict[str, Any]] = {
        "form_id": "early-bird",
        "registration_id": "5b0e9a4c",
        "share_code": "q7Jm0Zt4Yc2VbK9w",
    }

    form_id: Text
    registration_id: Id | None = None
    share_code: Id | None = None

    def subject(self) -> str | None:
        """The registration, so that one which our form and the SDK both report counts once."""
        return self.registration_id
