"""A visitor made a share link, or passed one on."""

from typing import Any, ClassVar

from analytics.event_types import EventType, Figure, Id, LongText, Text, register


@register
class Share(EventType, tag="share", kw_only=True):
    label: ClassVar[str] = "Share"
    figures: ClassVar[dict[str, Figure]] = {}
    example: ClassVar[dict[str, Any]] = {
        "share_code": "q7Jm0Zt4Yc2VbK9w",
        "channel": "wechat",
        "target_url": "https://meeteasy.example/conf/test",
        "parent_share_code": "A1b2C3d4E5f6G7h8",
    }

    share_code: Id
    channel: Text = ""
    target_url: LongText = ""
    parent_share_code: Id | None = None

    def subject(self) -> str | None:
        return self.share_code
