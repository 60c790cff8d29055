"""Whether a registration stands. Made by the server only (analytics/own_events.py).

A registration stands unless the latest event of some source says otherwise: its state (cancelled, rejected,
on the waiting list) or an organizer's void. `version` counts the changes of a source, so the highest one is
the latest, in whatever order they arrive.
"""

from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext_noop
from msgspec import Meta

from analytics.event_types import EventType, Id, register


@register
class RegistrationStandingEvent(EventType, tag="registration_standing", kw_only=True):
    label: ClassVar[str] = gettext_noop("Registration withdrawn or restored")
    internal: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "registration_id": "0199d3a86f5e7c1a9b7e0a4f6d2c8e10",
        "stands": False,
        "version": 1,
        "source": "state",
    }

    registration_id: Id
    stands: bool
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    source: Literal["state", "void"]

    def subject(self) -> str | None:
        return self.registration_id
