"""The registration waits for an organizer's approval."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class PendingApproval(MessageType):
    key: ClassVar[str] = "pending_approval"
    label = _("Pending approval")
    states: ClassVar[frozenset[str]] = frozenset({State.PENDING})

    def follows(self, previous: str | None, state: str) -> bool:
        return previous in (None, State.WAITING, State.CANCELLED) and state == State.PENDING
