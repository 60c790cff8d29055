"""Finding a person or a code in the share tree."""

from conferences.models import Conference
from conferences.selectors.registrations import find_by_name
from console.selectors.people import find_sharers
from sharing.models import ShareLink
from sharing.rules.codes import keys_of

MOST = 10


def find_links(conference: Conference, query: str) -> list[ShareLink]:
    """Return shared links, MOST at most: that of a whole code or address, else by name or label."""
    query = query.strip()
    if not query:
        return []
    code = query.rpartition("_s=")[2].partition("&")[0]
    links = ShareLink.objects.filter(conference_id=conference.id, shared_ms__isnull=False)
    exact = list(links.filter(id__in=keys_of(conference.id, code))[:1])
    if exact:
        return exact
    people = find_by_name(conference, query, limit=MOST)
    found = links.filter(sharer__in=[*find_sharers(conference, people), query]) | links.filter(
        label__icontains=query
    )
    return list(found.order_by("-subtree_conversions", "id")[:MOST])
