"""A visitor opened a share link."""

from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_noop
from msgspec import Meta

from analytics.event_types import EventType, Id, register
from analytics.event_types.share import ShareCode


@register
class ShareOpen(EventType, tag="share_open", kw_only=True):
    label: ClassVar[str] = gettext_noop("Share opened")
    example: ClassVar[dict[str, Any]] = {
        "share_code": "q7Jm0Zt4Yc2VbK9w",
        "attribution_chain": ["A1b2C3d4E5f6G7h8", "q7Jm0Zt4Yc2VbK9w"],
    }

    share_code: ShareCode
    # What the browser believes the chain to be; a hint only, the server's tree decides.
    attribution_chain: Annotated[list[Id], Meta(max_length=1000)] | None = None

    def subject(self) -> str | None:
        return self.share_code
