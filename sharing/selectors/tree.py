"""Reading the tree: a level at a time, and the way up from a link. Nothing here goes with the tree's size."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from meeteasy.core.paging import encode_cursor, read_page
from sharing.models import ShareLink
from sharing.rules.codes import public_code

MAX_DEPTH = 10
# Of the way up from a link, the nearest. Whoever wants more asks for that of the topmost of them.
MAX_PATH = 100
# Of the levels below the first, the busiest children of each link; the rest by its own cursor.
CHILDREN_AT_ONCE = 20
_LINKS_AT_ONCE = 1000
_ORDER = ("-subtree_conversions", "id")
# All roots have the same parent, none; but PostgreSQL sees the order in the index only if it is named.
_LEADING = ("parent_id",)
# Before every link of a level: no counter is that high.
_START = encode_cursor(2**31, "")


def get_level(
    conference_id: str, parent: str | None, *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page of the children of a link (of the roots, for None), most conversions below first, and the next
    cursor. Raises BadCursorError."""
    links = ShareLink.objects.filter(conference_id=conference_id)
    links = links.filter(parent__isnull=True) if parent is None else links.filter(parent_id=parent)
    return read_page(links, _ORDER, limit=limit, cursor=cursor, leading=_LEADING)


def get_tree(
    conference_id: str, root: ShareLink | None, *, depth: int, limit: int, cursor: str = ""
) -> dict[str, Any]:
    """The tree below `root` (None: all roots) by `depth` levels, as nested dicts. Raises BadCursorError.

    One query a level. The first level is a page of `limit`; below, the first 50 or fewer links of a level
    have the first of their children. Each link with children that are not in the answer has `next`, a cursor
    by which they are had with that link as `root`.
    """
    found, following = get_level(conference_id, None if root is None else root.id, limit=limit, cursor=cursor)
    results = [_tree_row(link) for link in found]
    level = list(zip(found, results, strict=True))
    left = _LINKS_AT_ONCE
    for _ in range(depth - 1):
        parents = [(link, row) for link, row in level if link.child_count][: left // CHILDREN_AT_ONCE]
        children = _first_children([link for link, _ in parents])
        level = []
        for link, row in parents:
            mine = children[link.id][:CHILDREN_AT_ONCE]
            row["children"] = [_tree_row(child) for child in mine]
            if len(mine) < len(children[link.id]):
                row["next"] = encode_cursor(mine[-1].subtree_conversions, mine[-1].id)
            else:
                del row["next"]
            level += zip(mine, row["children"], strict=True)
        left -= len(level)
    return {
        "root": None if root is None else link_row(root),
        "path": [] if root is None else [link_row(link) for link in get_path(root)],
        "results": results,
        "next": following,
    }


def get_path(link: ShareLink, *, limit: int = MAX_PATH) -> list[ShareLink]:
    """The link and its ancestors, the topmost first, in one query. Of more than `limit` the nearest."""
    return list(
        ShareLink.objects.raw(
            "WITH RECURSIVE up(id, parent_id, height) AS ("
            "SELECT id, parent_id, 1 FROM sharing_sharelink WHERE id = %s UNION ALL "
            "SELECT link.id, link.parent_id, up.height + 1 "
            "FROM up JOIN sharing_sharelink link ON link.id = up.parent_id WHERE up.height < %s) "
            "SELECT link.* FROM up JOIN sharing_sharelink link ON link.id = up.id ORDER BY up.height DESC",
            [link.id, limit],
        )
    )


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
        "child_count": link.child_count,
        "direct": link.direct,
        "assisted": link.assisted,
        "subtree_links": link.subtree_links,
        "subtree_conversions": link.subtree_conversions,
    }


def share_url(link: ShareLink) -> str:
    """The address that people pass on."""
    code = public_code(link.conference_id, link.code)
    return f"{settings.PUBLIC_URL}/conf/{link.conference_id}?_s={code}"


def _tree_row(link: ShareLink) -> dict[str, Any]:
    """A link as long as none of its children are beside it."""
    row = link_row(link)
    if link.child_count:
        row["next"] = _START
    return row


def _first_children(parents: Sequence[ShareLink]) -> dict[str, list[ShareLink]]:
    """CHILDREN_AT_ONCE children, and one more where there are more, of each of these links, in one query."""
    if not parents:
        return {}
    # The ORM cannot limit each part of a union on SQLite.
    part = (
        "SELECT * FROM (SELECT * FROM sharing_sharelink "  # noqa: S608  a number of ours
        "WHERE conference_id = %s AND parent_id = %s "
        f"ORDER BY subtree_conversions DESC, id LIMIT {CHILDREN_AT_ONCE + 1}) AS part"
    )
    found = ShareLink.objects.raw(
        " UNION ALL ".join([part] * len(parents)),
        [value for link in parents for value in (link.conference_id, link.id)],
    )
    children: dict[str, list[ShareLink]] = {link.id: [] for link in parents}
    for child in found:
        children[str(child.parent_id)].append(child)
    return children
