"""Find links."""

from django.db.models import Q, QuerySet

from conferences.models import Conference
from meeteasy.core.folding import fold
from meeteasy.core.paging import read_page
from sharing.models import ShareLink
from sharing.rules.codes import keys_of


def get_links(
    conference: Conference, *, search: str = "", flagged: bool = False, minted: bool = False
) -> QuerySet[ShareLink]:
    """The shared links of a conference. search: a code, a sharer, or part of a label."""
    links = ShareLink.objects.filter(conference_id=conference.id, shared_ms__isnull=False)
    if search:
        links = links.filter(_find(conference, search))
    if flagged:
        links = links.filter(Q(closes_cycle=True) | Q(is_contested=True))
    if minted:
        links = links.filter(is_minted=True)
    return links


def _find(conference: Conference, search: str) -> Q:
    """The links that a search means. Each part of the condition has an index."""
    by_key = Q(id__in=keys_of(conference.id, search)) | Q(conference_id=conference.id, sharer=search)
    folded = fold(search.strip())
    if not folded:
        return by_key
    labelled = Q(conference_id=conference.id, search_label__gt="", search_label__contains=folded)
    return by_key | labelled


def get_page(
    links: QuerySet[ShareLink], *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page, most recently shared link first, and the cursor of the next page. Raises BadCursorError."""
    return read_page(links, ("-shared_ms", "-id"), limit=limit, cursor=cursor)
