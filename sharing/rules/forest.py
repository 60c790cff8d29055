"""The tree in memory: the part of it that a change concerns, with edges, the cycle rule and the counters.

A link has at most one claim to a parent that counts, so the claims form chains, each of which ends at a
root or in one cycle. Of a cycle the latest claim is refused. Claims come in any order: one that closes a
cycle among claims that are later than itself is accepted, and the latest of them is refused afterwards; one
that disappears lets the refused one of its cycle count again. So which claims count depends on the set of
them alone.

A part must be closed: with a link, all that its claims lead to are in it
(sharing/derivation/store.py loads it so).
Nothing here recurses, and nothing reads a database.
"""

from collections.abc import Iterator

from sharing.rules.attribution import Moment

NEVER: Moment = (0, "")


class Node:
    """A link in memory. `loaded_*` is how it was loaded; `changed`: the rules may see it otherwise now."""

    __slots__ = (
        "assisted",
        "channel",
        "child_count",
        "claimed_parent",
        "closes_cycle",
        "direct",
        "first",
        "has_children",
        "is_contested",
        "is_minted",
        "is_new",
        "key",
        "label",
        "loaded_parent",
        "loaded_subtree",
        "parent",
        "parent_moment",
        "sharer",
        "subtree_conversions",
        "subtree_links",
        "target_url",
        "touched",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.sharer = ""
        self.first: Moment = NEVER
        self.claimed_parent = ""
        self.parent_moment: Moment = NEVER
        self.parent: str | None = None
        self.closes_cycle = self.is_contested = self.is_minted = False
        self.channel = self.target_url = self.label = ""
        self.child_count = self.direct = self.assisted = 0
        self.subtree_links = self.subtree_conversions = 0
        self.is_new = True
        self.has_children = False
        self.touched = False  # something of its row but a counter changed
        self.loaded_parent: str | None = None
        self.loaded_subtree = (0, 0)  # links, conversions


class Forest:
    """A closed part of the links of some conferences."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        # Links that the rules may see otherwise than before, by key.
        self.changed: set[str] = set()
        self._conversions: dict[str, int] = {}

    def get(self, key: str) -> Node | None:
        return self.nodes.get(key)

    def add(self, node: Node) -> None:
        self.nodes[node.key] = node

    def touch(self, node: Node) -> None:
        node.touched = True
        self.changed.add(node.key)

    def set_claim(self, node: Node, parent_key: str, moment: Moment) -> None:
        """Let `parent_key` be the claim to a parent that counts for `node`, and settle the tree."""
        if node.parent is not None:
            root = self._root(node)
            node.parent = None
            self.touch(node)
            if root.closes_cycle:  # perhaps because of the claim that has just gone
                self.attach(root)
        node.claimed_parent, node.parent_moment = parent_key, moment
        self.touch(node)
        self.attach(node)

    def attach(self, node: Node) -> None:
        """Give a root the parent that it claims, if that is known; of a cycle, refuse the latest claim."""
        parent = self.nodes.get(node.claimed_parent)
        closes_cycle = False
        if parent is node:
            closes_cycle = True
        elif parent is not None:
            latest = self._latest_of_cycle(node, parent)
            if latest is node:
                closes_cycle = True
            else:
                if latest is not None:
                    latest.parent = None
                    latest.closes_cycle = True
                    self.touch(latest)
                node.parent = parent.key
                parent.has_children = True
        if closes_cycle != node.closes_cycle or node.parent is not None:
            node.closes_cycle = closes_cycle
            self.touch(node)

    def _latest_of_cycle(self, node: Node, parent: Node) -> Node | None:
        """The latest claim's link of the cycle that `node` below `parent` would close; None: no cycle."""
        if not node.has_children:
            return None
        latest, above = node, parent
        while above.parent is not None:
            if above.parent_moment > latest.parent_moment:
                latest = above
            above = self.nodes[above.parent]
        return latest if above is node else None

    def _root(self, node: Node) -> Node:
        while node.parent is not None:
            node = self.nodes[node.parent]
        return node

    # --- Counters ----------------------------------------------------------------------------------------

    def count_credit(self, key: str, *, is_direct: bool, by: int) -> None:
        """One credit more (`by` = 1) or less (-1) of a link."""
        node = self.nodes[key]
        if is_direct:
            node.direct += by
            self._conversions[key] = self._conversions.get(key, 0) + by
        else:
            node.assisted += by
            self._conversions.setdefault(key, 0)

    def settle_counters(self) -> list[Node]:
        """Carry every change up to the roots; returns the links whose row must be written.

        Each loaded link is looked at once, children before their parent. Of children that are not loaded
        nothing changed.
        """
        change = {key: [0, 0] for key in self.nodes}
        written: dict[str, Node] = {}
        for key, by in self._conversions.items():
            change[key][1] += by
            written[key] = self.nodes[key]
        for node in self.nodes.values():
            if node.touched:
                written[node.key] = node
            former = node.loaded_parent
            if former is not None and former != node.parent:
                links, conversions = node.loaded_subtree
                above = change[former]
                above[0] -= links + 1
                above[1] -= conversions
                self.nodes[former].child_count -= 1
                written[former] = self.nodes[former]
        for node in self._children_first():
            links, conversions = change[node.key]
            if links or conversions:
                node.subtree_links += links
                node.subtree_conversions += conversions
                written[node.key] = node
            if node.parent is None:
                continue
            above = change[node.parent]
            if node.parent == node.loaded_parent:
                above[0] += links
                above[1] += conversions
            else:
                above[0] += node.subtree_links + 1
                above[1] += node.subtree_conversions
                self.nodes[node.parent].child_count += 1
                written[node.parent] = self.nodes[node.parent]
        return list(written.values())

    def _children_first(self) -> Iterator[Node]:
        waiting = dict.fromkeys(self.nodes, 0)
        for node in self.nodes.values():
            if node.parent is not None:
                waiting[node.parent] += 1
        ready = [node for node in self.nodes.values() if not waiting[node.key]]
        while ready:
            node = ready.pop()
            yield node
            if node.parent is not None:
                waiting[node.parent] -= 1
                if not waiting[node.parent]:
                    ready.append(self.nodes[node.parent])
