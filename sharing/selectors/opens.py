"""Find the codes that a visitor opened."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Max, Min

from sharing.derivation.store import opens_of
from sharing.models import instant
from sharing.rules.codes import code_of

_CODES = 100


@dataclass(frozen=True)
class OpenedCode:
    """A code that a visitor opened, with the first and last time and the number of opens."""

    code: str
    first_opened_at: dt.datetime
    last_opened_at: dt.datetime
    count: int


def get_opened_by(conference_id: str, visitor: str) -> list[OpenedCode]:
    """The 100 codes that a visitor opened last in a conference, latest first, without bot opens.

    The query uses the index of visitors. There is no index of links, so such a query for a link would read
    all opens.
    """
    if not visitor:  # the visitor is unknown
        return []
    opens = opens_of([conference_id]).filter(visitor=visitor, is_bot=False)
    codes = opens.values("link_key").annotate(first=Min("ms"), last=Max("ms"), count=Count("*"))
    return [
        OpenedCode(code_of(row["link_key"]), instant(row["first"]), instant(row["last"]), row["count"])
        for row in codes.order_by("-last", "link_key")[:_CODES]
    ]
