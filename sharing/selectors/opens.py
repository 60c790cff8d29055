"""Who opened what, and when."""

from typing import Any

from django.db.models import Count, Max, Min

from sharing.derivation.store import opens_of
from sharing.models import instant
from sharing.rules.codes import code_of

_CODES = 100


def get_opened_by(conference_id: str, visitor: str) -> list[dict[str, Any]]:
    """The codes that a visitor opened in a conference, the 100 opened last, latest first: when first, when
    last, and how often. A bot's opens are left out.

    By the index of visitors. There is none of links, so the same of a link would go through all opens.
    """
    if not visitor:  # nobody knows who it was
        return []
    opens = opens_of([conference_id]).filter(visitor=visitor, is_bot=False)
    codes = opens.values("link_key").annotate(first=Min("ms"), last=Max("ms"), count=Count("*"))
    return [
        {
            "code": code_of(row["link_key"]),
            "first_opened_at": instant(row["first"]).isoformat(),
            "last_opened_at": instant(row["last"]).isoformat(),
            "count": row["count"],
        }
        for row in codes.order_by("-last", "link_key")[:_CODES]
    ]
