"""What differs between two visits of a cached page: the visitor's share code."""

import re

from analytics.event_types.share import SHARE_CODE_PATTERN

_CODE = re.compile(SHARE_CODE_PATTERN)
# Chats take the punctuation behind a link for a part of it, Chinese most of all: `?_s=q7Jm0Zt4，see you`.
_MAX_READ = 200
_TAIL = re.compile(r"[^A-Za-z0-9_.-].*\Z|\.+\Z", re.DOTALL)
# Stand in cached pages where the visitor's share code goes, alone and as part of an address.
CODE_PLACE, QUERY_PLACE = "share-code-of-this-visit", "share-query-of-this-visit"


def read_code(given: str) -> str:
    """Return the share code of an address (`_s`), or "" if it is none."""
    code = _TAIL.sub("", given[:_MAX_READ])
    return code if _CODE.search(code) else ""


def insert_code(html: str, code: str) -> str:
    """Return a cached page for a visitor. code: from `read_code`; nothing in one needs escaping."""
    return html.replace(CODE_PLACE, code).replace(QUERY_PLACE, f"&amp;_s={code}" if code else "")
