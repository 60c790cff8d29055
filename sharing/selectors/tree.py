"""Reading the tree: a level at a time, the way up from a link. Nothing here depends on the tree's size."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from sharing import bulk
from sharing.codes import public_code
from sharing.models import ShareLink
from sharing.selectors.paging import decode_cursor, encode_cursor

MAX_DEPTH = 10
# Of the levels below the first, the busiest children of each link; the rest by its own cursor.
CHILDREN_AT_ONCE = 20
_LINKS_AT_ONCE = 1000


def get_level(
    conference_id: str, parent: str | None, *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page of the children of a link (of the roots, for None), most conversions below first, and the next
    cursor. Raises BadCursorError."""
    links = _level(conference_id, parent, cursor)
    found = list(links[: limit + 1])
    more = found[limit:]
    found = found[:limit]
    return found, _cursor(found[-1]) if more else None


def get_tree(
    conference_id: str, root: ShareLink | None, *, depth: int, limit: int, cursor: str = ""
) -> dict[str, Any]:
    """The tree below `root` (None: all roots) by `depth` levels, as nested dicts. Raises BadCursorError.

    One query a level. The first level is a page of `limit`; below, each link has its first children, and
    `next` where there are more, to be had with that link as `root`.
    """
    found, following = get_level(conference_id, None if root is None else root.id, limit=limit, cursor=cursor)
    results = [link_row(link) for link in found]
    level = list(zip(found, results, strict=True))
    left = _LINKS_AT_ONCE
    for _ in range(depth - 1):
        parents = [(link, row) for link, row in level if link.shared_on][: left // CHILDREN_AT_ONCE]
        children = _first_children([link for link, _ in parents])
        level = []
        for link, row in parents:
            mine = children.get(link.id, [])
            if len(mine) > CHILDREN_AT_ONCE:
                mine = mine[:CHILDREN_AT_ONCE]
                row["next"] = _cursor(mine[-1])
            rows = [link_row(child) for child in mine]
            row["children"] = rows
            level += zip(mine, rows, strict=True)
        left -= len(level)
        if not level or left < CHILDREN_AT_ONCE:
            break
    return {
        "root": None if root is None else link_row(root),
        "path": [] if root is None else [link_row(link) for link in get_path(root)],
        "results": results,
        "next": following,
    }


def get_path(link: ShareLink) -> list[ShareLink]:
    """The link and its ancestors, the root first, in two queries however deep it is."""
    keys = [
        key
        for (key, _) in bulk.fetch(
            "WITH RECURSIVE up(key, height) AS (SELECT key, 0 FROM {keys} UNION ALL "
            "SELECT link.parent_id, up.height + 1 FROM up JOIN sharing_sharelink link ON link.id = up.key "
            "WHERE link.parent_id IS NOT NULL) SELECT key, height FROM up ORDER BY height DESC",
            [link.id],
        )
    ]
    found: dict[str, ShareLink] = {}
    for start in range(0, len(keys), 500):
        found |= ShareLink.objects.in_bulk(keys[start : start + 500])
    return [found[key] for key in keys if key in found]


def link_row(link: ShareLink) -> dict[str, Any]:
    """A link as the API gives it."""
    flags = {"cycle": link.closes_cycle, "contested": link.is_contested}
    return {
        "code": link.code,
        "public_code": public_code(link.conference_id, link.code),
        "conference_id": link.conference_id,
        "url": share_url(link),
        "parent": link.parent_id and link.parent_id.partition("/")[2],
        "sharer": link.sharer,
        "label": link.label,
        "channel": link.channel,
        "target_url": link.target_url,
        "minted": link.is_minted,
        "first_shared_at": link.first_shared_at.isoformat(),
        "flags": [name for name, is_set in flags.items() if is_set],
        "opens": link.opens,
        "openers": link.openers,
        "shared_on": link.shared_on,
        "direct": link.direct,
        "assisted": link.assisted,
        "subtree_links": link.subtree_links,
        "subtree_conversions": link.subtree_conversions,
    }


def share_url(link: ShareLink) -> str:
    """The address that people pass on."""
    code = public_code(link.conference_id, link.code)
    return f"{settings.PUBLIC_URL}/conf/{link.conference_id}?_s={code}"


def _level(conference_id: str, parent: str | None, cursor: str = "") -> QuerySet[ShareLink]:
    links = ShareLink.objects.filter(conference_id=conference_id)
    links = links.filter(parent__isnull=True) if parent is None else links.filter(parent_id=parent)
    if cursor:
        conversions, key = decode_cursor(cursor)
        # The first condition alone would do; with it the index finds the place.
        links = links.filter(subtree_conversions__lte=conversions).filter(
            Q(subtree_conversions__lt=conversions) | Q(id__gt=key)
        )
    return links.order_by("-subtree_conversions", "id")


def _first_children(parents: Sequence[ShareLink]) -> dict[str, list[ShareLink]]:
    """CHILDREN_AT_ONCE children, and one more where there are more, of each of these links, in one query."""
    if not parents:
        return {}
    # The ORM cannot limit each part of a union on SQLite.
    part = (
        "SELECT * FROM (SELECT id FROM sharing_sharelink "  # noqa: S608  a number of ours
        "WHERE conference_id = %s AND parent_id = %s "
        f"ORDER BY subtree_conversions DESC, id LIMIT {CHILDREN_AT_ONCE + 1}) AS part"
    )
    statement = " UNION ALL ".join([part] * len(parents))
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for link in parents for value in (link.conference_id, link.id)])
        ids = [key for (key,) in cursor.fetchall()]
    children: dict[str, list[ShareLink]] = {}
    found: dict[str, ShareLink] = {}
    for start in range(0, len(ids), 500):
        found |= ShareLink.objects.in_bulk(ids[start : start + 500])
    for key in ids:
        child = found[key]
        assert child.parent_id is not None
        children.setdefault(child.parent_id, []).append(child)
    return children


def _cursor(link: ShareLink) -> str:
    return encode_cursor(link.subtree_conversions, link.id)
