"""Find links."""

from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Q, QuerySet

from conferences.models import Conference
from meeteasy.core.folding import fold
from meeteasy.core.paging import cut_page, read_page
from meeteasy.core.rows import Rows
from sharing.models import ShareLink
from sharing.rules.codes import keys_of


def get_links(
    conference: Conference, *, search: str = "", flagged: bool = False, minted: bool = False
) -> QuerySet[ShareLink]:
    """The shared links of a conference. search: a code, a sharer, or part of a label."""
    links = _find(conference, search) if search else _all(conference)
    if flagged:
        links = links.filter(Q(closes_cycle=True) | Q(is_contested=True))
    if minted:
        links = links.filter(is_minted=True)
    return links


def _all(conference: Conference) -> QuerySet[ShareLink]:
    links = ShareLink.objects.filter(conference_id=conference.id, shared_ms__isnull=False)
    return links.annotate(listed_ms=F("shared_ms"))


def _find(conference: Conference, search: str) -> QuerySet[ShareLink]:
    """The links that a search means. Each part of the union has an index.

    The order is by an expression, and the conference is in the parts alone: otherwise the databases, which do
    not know how few links match, go through all of a conference in the order of its index.
    """
    of_conference = ShareLink.objects.filter(conference_id=conference.id).order_by().values("id")
    by_key = ShareLink.objects.filter(id__in=keys_of(conference.id, search)).order_by().values("id")
    parts = [by_key, of_conference.filter(sharer=search)]
    if folded := fold(search.strip()):
        parts.append(of_conference.filter(search_label__gt="", search_label__contains=folded))
    found = ShareLink.objects.filter(id__in=parts[0].union(*parts[1:], all=True))
    listed = found.annotate(listed_ms=ExpressionWrapper(F("shared_ms") + 0, output_field=BigIntegerField()))
    return listed.filter(listed_ms__isnull=False)


_rows = Rows(ShareLink, "link")
_FIRST = (
    "SELECT {} FROM sharing_sharelink link WHERE conference_id = %s AND shared_ms IS NOT NULL "
    "ORDER BY shared_ms DESC, id DESC LIMIT %s"
)


def list_links(
    conference: Conference, *, limit: int, cursor: str = "", **only: Any
) -> tuple[list[ShareLink], str | None]:
    """A page of `get_links`, and the cursor of the next page. Raises BadCursorError."""
    if cursor or any(only.values()):
        return get_page(get_links(conference, **only), limit=limit, cursor=cursor)
    found = _rows.read(_FIRST.format(_rows.columns), [conference.id, limit + 1])
    return cut_page(found, ("-shared_ms", "-id"), limit=limit)


def get_page(
    links: QuerySet[ShareLink], *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page, most recently shared link first, and the cursor of the next page. Raises BadCursorError."""
    return read_page(links, ("-listed_ms", "-id"), limit=limit, cursor=cursor)
