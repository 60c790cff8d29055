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

import msgspec

from sharing.rules.attribution import Moment

NEVER: Moment = (0, "")


class LinkState(msgspec.Struct, gc=False):
    """A row of ShareLink as far as the rules change it. The fields are the columns, in this order.

    Flags are 0 or 1, as SQLite gives and takes them.
    """

    id: str
    sharer: str = ""
    is_minted: int = 0
    first_ms: int = 0
    first_event_id: str = ""
    claimed_parent: str = ""
    parent_ms: int | None = None
    parent_event_id: str = ""
    parent_id: str | None = None
    closes_cycle: int = 0
    is_contested: int = 0
    child_count: int = 0
    direct: int = 0
    assisted: int = 0
    subtree_links: int = 0
    subtree_conversions: int = 0


class Node(LinkState, gc=False):
    """A link in memory, with what is known of it while a change is worked out.

    has_children: False only if it certainly has none. touched: a column other than a counter changed.
    loaded_*: as the row was read. The texts are those of a new owner's claim.
    """

    is_new: bool = False
    has_children: bool = True
    touched: bool = False
    loaded_parent: str | None = None
    loaded_subtree: tuple[int, int] = (0, 0)  # links, conversions
    channel: str = ""
    target_url: str = ""
    label: str = ""

    @property
    def key(self) -> str:
        return self.id

    @property
    def first(self) -> Moment:
        return (self.first_ms, self.first_event_id)

    @property
    def parent(self) -> str | None:
        return self.parent_id

    @property
    def parent_moment(self) -> Moment:
        return NEVER if self.parent_ms is None else (self.parent_ms, self.parent_event_id)


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
        self.nodes[node.id] = node

    def touch(self, node: Node) -> None:
        node.touched = True
        self.changed.add(node.id)

    def set_claim(self, node: Node, parent_key: str, moment: Moment) -> None:
        """Let `parent_key` be the claim to a parent that counts for `node`, and settle the tree."""
        if node.parent_id is not None:
            root = self._root(node)
            node.parent_id = None
            self.touch(node)
            if root.closes_cycle:  # perhaps because of the claim that has just gone
                self.attach(root)
        node.claimed_parent = parent_key
        node.parent_ms, node.parent_event_id = moment if moment != NEVER else (None, "")
        self.touch(node)
        self.attach(node)

    def attach(self, node: Node) -> None:
        """Give a root the parent that it claims, if that is known; of a cycle, refuse the latest claim."""
        parent = self.nodes.get(node.claimed_parent)
        closes_cycle = 0
        if parent is node:
            closes_cycle = 1
        elif parent is not None:
            latest = self._latest_of_cycle(node, parent)
            if latest is node:
                closes_cycle = 1
            else:
                if latest is not None:
                    latest.parent_id = None
                    latest.closes_cycle = 1
                    self.touch(latest)
                node.parent_id = parent.id
                parent.has_children = True
        if closes_cycle != node.closes_cycle or node.parent_id is not None:
            node.closes_cycle = closes_cycle
            self.touch(node)

    def _latest_of_cycle(self, node: Node, parent: Node) -> Node | None:
        """The latest claim's link of the cycle that `node` below `parent` would close; None: no cycle."""
        if not node.has_children:
            return None
        latest, above = node, parent
        while above.parent_id is not None:
            if above.parent_moment > latest.parent_moment:
                latest = above
            above = self.nodes[above.parent_id]
        return latest if above is node else None

    def _root(self, node: Node) -> Node:
        while node.parent_id is not None:
            node = self.nodes[node.parent_id]
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
                written[node.id] = node
            former = node.loaded_parent
            if former is not None and former != node.parent_id:
                links, conversions = node.loaded_subtree
                above = change[former]
                above[0] -= links + 1
                above[1] -= conversions
                self.nodes[former].child_count -= 1
                written[former] = self.nodes[former]
        for node in self._children_first():
            links, conversions = change[node.id]
            if links or conversions:
                node.subtree_links += links
                node.subtree_conversions += conversions
                written[node.id] = node
            if node.parent_id is None:
                continue
            above = change[node.parent_id]
            if node.parent_id == node.loaded_parent:
                above[0] += links
                above[1] += conversions
            else:
                above[0] += node.subtree_links + 1
                above[1] += node.subtree_conversions
                self.nodes[node.parent_id].child_count += 1
                written[node.parent_id] = self.nodes[node.parent_id]
        return list(written.values())

    def _children_first(self) -> Iterator[Node]:
        waiting = dict.fromkeys(self.nodes, 0)
        for node in self.nodes.values():
            if node.parent_id is not None:
                waiting[node.parent_id] += 1
        ready = [node for node in self.nodes.values() if not waiting[node.id]]
        while ready:
            node = ready.pop()
            yield node
            if node.parent_id is not None:
                waiting[node.parent_id] -= 1
                if not waiting[node.parent_id]:
                    ready.append(self.nodes[node.parent_id])
