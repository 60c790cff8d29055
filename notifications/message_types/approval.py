"""An organizer approved the registration. The mail has the badge."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class Approval(MessageType):
    key: ClassVar[str] = "approval"
    label = _("Approval")
    states: ClassVar[frozenset[str]] = frozenset({State.APPROVED})
    has_badge: ClassVar[bool] = True
    calendar_method: ClassVar[str] = "REQUEST"

    def follows(self, previous: str | None, state: str) -> bool:
        return previous in (State.PENDING, State.REJECTED) and state == State.APPROVED
