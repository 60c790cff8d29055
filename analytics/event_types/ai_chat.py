"""A visitor wrote a message to the conference's assistant. The message itself is never sent here."""

from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_noop
from msgspec import Meta

from analytics.event_types import EventType, Figure, register


@register
class AIChat(EventType, tag="ai_chat", kw_only=True):
    label: ClassVar[str] = gettext_noop("AI chat message")
    figures: ClassVar[dict[str, Figure]] = {"ai_chats": Figure.EVENTS}
    example: ClassVar[dict[str, Any]] = {"message_length": 120}

    message_length: Annotated[int, Meta(ge=0, le=1_000_000_000)]
