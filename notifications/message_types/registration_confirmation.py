"""The registration needs no approval. The mail has the badge."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class RegistrationConfirmation(MessageType):
    key: ClassVar[str] = "registration_confirmation"
    label = _("Registration confirmation")
    states: ClassVar[frozenset[str]] = frozenset({State.APPROVED})
    has_badge: ClassVar[bool] = True
    calendar_method: ClassVar[str] = "REQUEST"

    def follows(self, previous: str | None, state: str) -> bool:
        return previous in (None, State.CANCELLED) and state == State.APPROVED
