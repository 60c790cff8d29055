"""Reading the tree: a level at a time, and the way up from a link. Nothing here goes with the tree's size."""

from collections.abc import Sequence
from dataclasses import dataclass

from meeteasy.core.paging import encode_cursor, read_page
from sharing.models import ShareLink

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
    links = ShareLink.objects.filter(conference_id=conference_id, shared_ms__isnull=False)
    links = links.filter(parent__isnull=True) if parent is None else links.filter(parent_id=parent)
    return read_page(links, _ORDER, limit=limit, cursor=cursor, leading=_LEADING)


@dataclass
class TreeNode:
    """A link of the tree, with those of its children that were read.

    children: None where they were not asked for. next: cursor of further children, with this link as root.
    """

    link: ShareLink
    children: "list[TreeNode] | None" = None
    next: str | None = None


@dataclass(frozen=True)
class Tree:
    """The top of a (part of a) tree. path: from the topmost of the nearest MAX_PATH links down to `root`."""

    root: ShareLink | None
    path: list[ShareLink]
    results: list[TreeNode]
    next: str | None


def get_tree(conference_id: str, root: ShareLink | None, *, depth: int, limit: int, cursor: str = "") -> Tree:
    """The tree below `root` (None: all roots) by `depth` levels. Raises BadCursorError.

    One query a level. The first level is a page of `limit` links; of each level below, the first 50 or fewer
    links have the first of their children.
    """
    found, following = get_level(conference_id, None if root is None else root.id, limit=limit, cursor=cursor)
    results = [_unopened(link) for link in found]
    level, left = results, _LINKS_AT_ONCE
    for _ in range(depth - 1):
        parents = [node for node in level if node.link.child_count][: left // CHILDREN_AT_ONCE]
        children = _first_children([node.link for node in parents])
        level = []
        for node in parents:
            shown = children[node.link.id][:CHILDREN_AT_ONCE]
            node.children = [_unopened(child) for child in shown]
            has_more = len(shown) < len(children[node.link.id])
            node.next = encode_cursor(shown[-1].subtree_conversions, shown[-1].id) if has_more else None
            level += node.children
        left -= len(level)
    return Tree(root, [] if root is None else get_path(root), results, following)


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


def _unopened(link: ShareLink) -> TreeNode:
    """A link as long as none of its children are beside it."""
    return TreeNode(link, next=_START if link.child_count else None)


def _first_children(parents: Sequence[ShareLink]) -> dict[str, list[ShareLink]]:
    """CHILDREN_AT_ONCE children, and one more where there are more, of each of these links, in one query."""
    if not parents:
        return {}
    # The ORM cannot limit each part of a union on SQLite.
    part = (
        "SELECT * FROM (SELECT * FROM sharing_sharelink "  # noqa: S608  a number of ours
        "WHERE conference_id = %s AND parent_id = %s AND shared_ms IS NOT NULL "
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
