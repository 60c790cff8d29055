"""Read the tree a level at a time, and the path up from a link. No cost here grows with the tree's size."""

from collections.abc import Sequence
from dataclasses import dataclass

from meeteasy.core.paging import cut_page, encode_cursor, read_page
from meeteasy.core.rows import Rows
from sharing.models import ShareLink

MAX_DEPTH = 10
# The number of nearest links in a path. A client that wants more asks for the path of the topmost one.
MAX_PATH = 100
# Below the first level, each link shows this many of its busiest children; its cursor leads to the rest.
CHILDREN_AT_ONCE = 20
_LINKS_AT_ONCE = 1000
_ORDER = ("-subtree_conversions", "id")
# All roots have no parent, but PostgreSQL uses the index's order only if the query names the column.
_LEADING = ("parent_id",)
# A position before every link of a level: no counter is this high.
_START = encode_cursor(2**31, "")

_rows = Rows(ShareLink, "link")
_FIRST_OF_LEVEL = (
    "SELECT {columns} FROM sharing_sharelink link "
    "WHERE conference_id = %s AND {is_below} AND shared_ms IS NOT NULL "
    "ORDER BY parent_id, subtree_conversions DESC, id LIMIT %s"
)


def get_level(
    conference_id: str, parent: str | None, *, limit: int, cursor: str = ""
) -> tuple[list[ShareLink], str | None]:
    """A page of a link's children (None: the roots), most conversions below first, and the next cursor.
    Raises BadCursorError."""
    if not cursor:
        is_below = "parent_id IS NULL" if parent is None else "parent_id = %s"
        values = [conference_id, *([] if parent is None else [parent]), limit + 1]
        found = _rows.read(_FIRST_OF_LEVEL.format(columns=_rows.columns, is_below=is_below), values)
        return cut_page(found, _ORDER, limit=limit)
    links = ShareLink.objects.filter(conference_id=conference_id, shared_ms__isnull=False)
    links = links.filter(parent__isnull=True) if parent is None else links.filter(parent_id=parent)
    return read_page(links, _ORDER, limit=limit, cursor=cursor, leading=_LEADING)


@dataclass
class TreeNode:
    """A link of the tree, with the children that were read.

    children: None if they were not requested. next: the cursor of further children, with this link as root.
    """

    link: ShareLink
    children: "list[TreeNode] | None" = None
    next: str | None = None


@dataclass(frozen=True)
class Tree:
    """The top of a tree or subtree. path: from the topmost of the nearest MAX_PATH links down to `root`."""

    root: ShareLink | None
    path: list[ShareLink]
    results: list[TreeNode]
    next: str | None


def get_tree(conference_id: str, root: ShareLink | None, *, depth: int, limit: int, cursor: str = "") -> Tree:
    """Read `depth` levels of the tree below `root` (None: all roots). Raises BadCursorError.

    It takes one query per level. The first level is a page of `limit` links. On each level below, up to 50
    links come with their first children.
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
    """The link and its ancestors, topmost first, in one query; only the nearest `limit` links."""
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


def get_best_children(parents: Sequence[ShareLink], *, limit: int) -> dict[str, list[ShareLink]]:
    """The `limit` busiest children of each link, by the parent's key, in one query."""
    if not parents:
        return {}
    children: dict[str, list[ShareLink]] = {link.id: [] for link in parents}
    for child in ShareLink.objects.raw(*_union(parents, limit)):
        children[str(child.parent_id)].append(child)
    return children


def _unopened(link: ShareLink) -> TreeNode:
    """A tree node whose children have not been read."""
    return TreeNode(link, next=_START if link.child_count else None)


def _first_children(parents: Sequence[ShareLink]) -> dict[str, list[ShareLink]]:
    """The first CHILDREN_AT_ONCE children of each link, plus one if there are more, in one query."""
    return get_best_children(parents, limit=CHILDREN_AT_ONCE + 1)


def _union(parents: Sequence[ShareLink], limit: int) -> tuple[str, list[str]]:
    """The query for some children of each link. The ORM cannot limit each part of a union on SQLite."""
    part = (
        "SELECT * FROM (SELECT * FROM sharing_sharelink "  # noqa: S608  a number of ours
        "WHERE conference_id = %s AND parent_id = %s AND shared_ms IS NOT NULL "
        f"ORDER BY subtree_conversions DESC, id LIMIT {int(limit)}) AS part"
    )
    values = [value for link in parents for value in (link.conference_id, link.id)]
    return " UNION ALL ".join([part] * len(parents)), values
