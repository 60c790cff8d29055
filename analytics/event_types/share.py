"""A visitor made a share link, or passed one on."""

from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_noop
from msgspec import Meta

from analytics.event_types import EventType, Figure, LongText, Text, register

# base64url; `s.` in front and a signature behind where the server signed it (sharing/rules/codes.py).
# The end is written so that Python and JavaScript read it alike, and a newline at the end is none.
SHARE_CODE_PATTERN = r"^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})(?![\s\S])"
ShareCode = Annotated[str, Meta(pattern=SHARE_CODE_PATTERN)]


@register
class Share(EventType, tag="share", kw_only=True):
    label: ClassVar[str] = gettext_noop("Share")
    figures: ClassVar[dict[str, Figure]] = {}
    example: ClassVar[dict[str, Any]] = {
        "share_code": "q7Jm0Zt4Yc2VbK9w",
        "channel": "wechat",
        "target_url": "https://meeteasy.example/conf/test",
        "parent_share_code": "A1b2C3d4E5f6G7h8",
    }

    share_code: ShareCode
    channel: Text = ""
    target_url: LongText = ""
    parent_share_code: ShareCode | None = None

    def subject(self) -> str | None:
        return self.share_code
