"""Find links."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.models import ShareLink


def get_links(
    conference: Conference, *, search: str = "", flagged: bool = False, minted: bool = False
) -> QuerySet[ShareLink]:
    """The shared links of a conference. search: a code, a sharer, or part of a label."""
    links = ShareLink.objects.filter(conference_id=conference.id, shared_ms__isnull=False)
    if search:
        links = links.filter(Q(code=search) | Q(sharer=search) | Q(label__icontains=search))
    if flagged:
        links = links.filter(Q(closes_cycle=True) | Q(is_contested=True))
    if minted:
        links = links.filter(is_minted=True)
    return links


def get_page(
    links: QuerySet[ShareLink], *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page, most recently shared link first, and the cursor of the next page. Raises BadCursorError."""
    return read_page(links, ("-shared_ms", "-id"), limit=limit, cursor=cursor)


def iterate_links(links: QuerySet[ShareLink]) -> Iterator[ShareLink]:
    """Iterate over all links for an export, in constant memory."""
    for page in iterate_pages(lambda cursor: get_page(links, limit=PAGE_OF_EXPORT, cursor=cursor)):
        yield from page
