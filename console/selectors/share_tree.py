"""The share tree as the page shows it: four levels, the ten best children of each link, then "others".

Nothing here grows with the tree: one query for each level, one more for names.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from conferences.models import Conference
from sharing.models import ShareLink
from sharing.selectors.tree import get_best_children, get_level, get_path

LEVELS = 4
BEST = 10
# Links whose children are read for a level: those that are open, and the widest of the icicle.
_PARENTS_A_LEVEL = 40
_OPEN_AT_MOST = 60
# A box of the icicle that is narrower than this part of the whole shows no children.
_NARROWEST = 0.01


@dataclass
class Node:
    """A link with its best children. whole: the registrations of its level's parent, for its bar."""

    link: ShareLink
    level: int
    whole: int
    is_open: bool = False
    children: "list[Node]" = field(default_factory=list)
    # What comes after the best children, in one row.
    other_links: int = 0
    other_registrations: int = 0

    @property
    def total(self) -> int:
        return self.link.subtree_conversions

    @property
    def below(self) -> int:
        return max(0, self.total - self.link.direct)


@dataclass
class Forest:
    """What is shown: the nodes of the first level, and what comes after them. total: all registrations."""

    root: ShareLink | None
    path: list[ShareLink]
    nodes: list[Node]
    total: int
    other_links: int = 0
    other_registrations: int = 0


def read_forest(
    conference: Conference,
    *,
    root: ShareLink | None,
    opened: Collection[str] | None,
    shown: Collection[ShareLink] = (),
    total: int,
) -> Forest:
    """Read what the page shows.

    root: the link on top; None: all links that nobody's link led to. opened: keys of open links; None opens
    the strongest path. shown: links that are shown even if they are not among the best. total: all share
    conversions of the conference.
    """
    if root is not None:
        top = Node(root, 1, root.subtree_conversions, is_open=True)
        forest = Forest(root, get_path(root), [top], root.subtree_conversions)
    else:
        links, following = get_level(conference.id, None, limit=BEST)
        links = _with_shown(links, [link for link in shown if link.parent_id is None])
        forest = Forest(None, [], [Node(link, 1, total) for link in links], total)
        if following is not None:
            roots = ShareLink.objects.filter(
                conference_id=conference.id, shared_ms__isnull=False, parent__isnull=True
            )
            forest.other_links = roots.count() - len(links)
            forest.other_registrations = total - sum(node.total for node in forest.nodes)
    keys = None if opened is None else set(list(opened)[:_OPEN_AT_MOST])
    level = forest.nodes
    for number in range(1, LEVELS):
        level = _read_children(level, number, keys=keys, total=forest.total, shown=shown)
    return forest


def _read_children(
    level: list[Node], number: int, *, keys: set[str] | None, total: int, shown: Collection[ShareLink]
) -> list[Node]:
    """Read the children of a level's nodes that are open or wide enough, and return them."""
    for place, node in enumerate(level):
        if number == 1 and node.is_open:
            continue
        is_wanted = (place == 0 and node.total > 0) if keys is None else node.link.id in keys
        node.is_open = is_wanted and node.link.child_count > 0
    wide = [node for node in level if node.link.child_count and total and node.total / total >= _NARROWEST]
    parents = [node for node in level if node.is_open]
    parents += [node for node in wide if not node.is_open][: max(0, _PARENTS_A_LEVEL - len(parents))]
    children = get_best_children([node.link for node in parents], limit=BEST)
    following: list[Node] = []
    for node in parents:
        links = _with_shown(children[node.link.id], [x for x in shown if x.parent_id == node.link.id])
        node.children = [Node(link, number + 1, node.total) for link in links]
        node.other_links = max(0, node.link.child_count - len(links))
        node.other_registrations = max(0, node.below - sum(child.total for child in node.children))
        following += node.children
    return following


def _with_shown(best: list[ShareLink], shown: list[ShareLink]) -> list[ShareLink]:
    known = {link.id for link in best}
    return best + [link for link in shown if link.id not in known]


def walk(nodes: list[Node]) -> list[Node]:
    """Return the nodes that can be seen, from top to bottom: those below open ones."""
    found: list[Node] = []
    for node in nodes:
        found.append(node)
        if node.is_open:
            found += walk(node.children)
    return found
