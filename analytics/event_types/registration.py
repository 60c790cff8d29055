"""A visitor registered for the conference."""

import hashlib
from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Figure, Id, Text, register

_WITHOUT_ID = "visitor:"


def subject_without_id(visitor_id: str, form_id: str) -> str:
    """The subject of registrations that are reported without an id: one for each visitor and form."""
    digest = hashlib.blake2b(f"{visitor_id}\n{form_id}".encode(), digest_size=16)
    return f"{_WITHOUT_ID}{digest.hexdigest()}"


def is_without_id(subject: str) -> bool:
    """Whether `subject` was made by `subject_without_id`."""
    return subject.startswith(_WITHOUT_ID)


@register
class RegistrationEvent(EventType, tag="registration", kw_only=True):
    label: ClassVar[str] = gettext_noop("Registration")
    # Its figures are counted over all days: analytics/days/attendance.py.
    figures: ClassVar[dict[str, Figure]] = {}
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
        if self.registration_id:
            # Nobody can speak for a visitor by an id that looks like the subject below.
            looks_alike = is_without_id(self.registration_id)
            return f"id:{self.registration_id}"[:64] if looks_alike else self.registration_id
        return subject_without_id(self.visitor_id, self.form_id) if self.visitor_id else None
