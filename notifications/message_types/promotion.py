"""A person on the waiting list got a free place. The mail has the badge."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class Promotion(MessageType):
    key: ClassVar[str] = "promotion"
    label = _("Place from the waiting list")
    states: ClassVar[frozenset[str]] = frozenset({State.APPROVED})
    has_badge: ClassVar[bool] = True
    calendar_method: ClassVar[str] = "REQUEST"

    def follows(self, previous: str | None, state: str) -> bool:
        return previous == State.WAITING and state == State.APPROVED
