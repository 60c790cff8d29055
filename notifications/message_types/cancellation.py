"""The attendee or an organizer cancelled the registration."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class Cancellation(MessageType):
    key: ClassVar[str] = "cancellation"
    label = _("Cancellation")
    states: ClassVar[frozenset[str]] = frozenset({State.CANCELLED})
    outlives_conference: ClassVar[bool] = True
    calendar_method: ClassVar[str] = "CANCEL"

    def follows(self, previous: str | None, state: str) -> bool:
        return state == State.CANCELLED
