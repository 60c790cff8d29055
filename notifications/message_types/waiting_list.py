"""All places are taken: the registration is on the waiting list."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class WaitingList(MessageType):
    key: ClassVar[str] = "waiting_list"
    label = _("Waiting list")
    states: ClassVar[frozenset[str]] = frozenset({State.WAITING})

    def follows(self, previous: str | None, state: str) -> bool:
        return state == State.WAITING
