"""A visitor made a share link, or passed one on."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_noop
from msgspec import Meta

from analytics.event_types import EventType, Figure, LongText, Text, register

# base64url; `s.` in front and a signature behind where the server signed it (sharing/rules/codes.py).
# The end is written so that Python and JavaScript read it alike, and a newline at the end is none.
SHARE_CODE_PATTERN = r"^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})(?![\s\S])"
ShareCode = Annotated[str, Meta(pattern=SHARE_CODE_PATTERN)]


NONCE_LENGTH = 4
PROVEN_CODE_LENGTH = 16


def prove_code(conference_id: str, visitor_id: str, nonce: str) -> str:
    """The code that shows by itself for whom it was made: the SDK makes exactly these.

    nonce: 4 characters of base64url. Behind it stand the first 12 characters of base64url of the SHA-256 of
    conference, visitor and nonce, joined by newlines: 72 bits, which nobody finds for another visitor.
    """
    digest = hashlib.sha256(f"{conference_id}\n{visitor_id}\n{nonce}".encode()).digest()
    return nonce + urlsafe_b64encode(digest[:9]).decode()


@register
class Share(EventType, tag="share", kw_only=True):
    label: ClassVar[str] = gettext_noop("Share")
    figures: ClassVar[dict[str, Figure]] = {}
    example: ClassVar[dict[str, Any]] = {
        "share_code": "q7Jm0Zt4Yc2VbK9w",
        "channel": "wechat",
        "target_url": "https://meeteasy.example/conf/test",
        "parent_share_code": "A1b2C3d4E5f6G7h8",
        "minted": False,
    }

    share_code: ShareCode
    channel: Text = ""
    target_url: LongText = ""
    parent_share_code: ShareCode | None = None
    # The browser made the code for its own address bar; nobody has shared it yet.
    minted: bool | None = None

    def derived_fields(self) -> dict[str, Any]:
        """`proven`: the code was made for this visitor. Stored, so that erasing the visitor keeps it."""
        code, visitor_id = self.share_code, self.visitor_id
        if not visitor_id or len(code) != PROVEN_CODE_LENGTH or code.startswith("s."):
            return {}
        is_proven = prove_code(self.conference_id, visitor_id, code[:NONCE_LENGTH]) == code
        return {"proven": True} if is_proven else {}

    def subject(self) -> str | None:
        return self.share_code
