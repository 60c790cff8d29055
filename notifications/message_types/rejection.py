"""An organizer rejected the registration."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class Rejection(MessageType):
    key: ClassVar[str] = "rejection"
    label = _("Rejection")
    states: ClassVar[frozenset[str]] = frozenset({State.REJECTED})
    outlives_conference: ClassVar[bool] = True

    def follows(self, previous: str | None, state: str) -> bool:
        return state == State.REJECTED
