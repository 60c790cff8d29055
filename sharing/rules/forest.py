"""The part of the tree that a change affects, in memory: edges, the cycle rule and the counters.

At most one claim decides a link's parent, so the claims form chains, each of which ends at a root or in a
cycle. The rules refuse the latest claim of a cycle. Claims arrive in any order. If a new claim closes a cycle
with later claims, it is accepted and the latest of them is refused instead. If a claim of a cycle disappears,
the refused claim counts again. So the result depends only on the set of claims.

A part must be closed: it contains every link that its links' claims lead to (sharing/derivation/store.py).
This module neither recurses nor reads a database.
"""

from collections.abc import Iterable, Iterator

import msgspec

from sharing.rules.opens import Moment

# Link → (links, conversions) to add to its totals and to those of all its ancestors.
Totals = dict[str, tuple[int, int]]


class LinkState(msgspec.Struct, gc=False):
    """The columns of a ShareLink row that the rules change, in this order.

    Flags are 0 or 1, as in SQLite. sharing/models explains the columns.
    """

    id: str
    sharer: str = ""
    channel: str = ""
    is_minted: int = 0
    is_proven: int = 0
    is_automatic: int = 0
    received_ms: int = 0
    first_ms: int = 0
    first_event_id: str = ""
    claimed_parent: str = ""
    parent_id: str | None = None
    closes_cycle: int = 0
    is_contested: int = 0
    is_void: int = 0
    shared_ms: int | None = None
    first_open_ms: int | None = None
    first_opener: str = ""
    second_open_ms: int | None = None
    second_opener: str = ""
    child_count: int = 0
    direct: int = 0
    assisted: int = 0
    subtree_links: int = 0
    subtree_conversions: int = 0


class Node(LinkState, gc=False):
    """A link in memory, with the state of the change in progress.

    has_children: False only if it certainly has none. touched: its place in the tree, or a flag, changed.
    has_new_opens: the columns of its first opens, or `shared_ms`, changed. loaded_*: values as read.
    target_url, label: the texts of a new owner's claim.
    """

    is_new: bool = False
    has_children: bool = True
    touched: bool = False
    has_new_opens: bool = False
    loaded_parent: str | None = None
    loaded_shared_ms: int | None = None
    loaded_is_void: int = 0
    loaded_channel: str = ""
    target_url: str = ""
    label: str = ""

    @property
    def first(self) -> Moment:
        return (self.first_ms, self.first_event_id)

    @property
    def claim_order(self) -> tuple[bool, bool, int, int, str]:
        """The sort key of claims to a code: the first claim decides."""
        return (
            not self.is_minted, not self.is_proven, self.received_ms, self.first_ms, self.first_event_id,
        )  # fmt: skip

    @property
    def foreign_open_ms(self) -> int | None:
        """The first open by anybody but the sharer."""
        return self.first_open_ms if self.first_opener != self.sharer else self.second_open_ms

    def note_open(self, ms: int, visitor: str) -> None:
        """Keep the first opens of two different visitors. At least one of them is not the link's owner."""
        opened = (ms, visitor)
        first = None if self.first_open_ms is None else (self.first_open_ms, self.first_opener)
        second = None if self.second_open_ms is None else (self.second_open_ms, self.second_opener)
        if first is None or opened < first:
            if first is not None and visitor != self.first_opener:
                self.second_open_ms, self.second_opener = first
            self.first_open_ms, self.first_opener = opened
        elif visitor != self.first_opener and (second is None or opened < second):
            self.second_open_ms, self.second_opener = opened
        else:
            return
        self.has_new_opens = True

    def note_shared(self, ms: int | None) -> None:
        """Count the link as shared from `ms` on, unless it already counts from an earlier time."""
        if ms is not None and (self.shared_ms is None or ms < self.shared_ms):
            self.shared_ms = ms
            self.has_new_opens = True


class Forest:
    """A closed part of the links of some conferences."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        # Keys of the links whose change may affect the rules' results.
        self.changed: set[str] = set()
        self._conversions: dict[str, int] = {}

    def get(self, key: str) -> Node | None:
        return self.nodes.get(key)

    def add(self, node: Node) -> None:
        self.nodes[node.id] = node

    def touch(self, node: Node) -> None:
        node.touched = True
        self.changed.add(node.id)

    def set_claim(self, node: Node, parent_key: str) -> None:
        """Set the parent that `node` claims since `node.first`, and update the tree."""
        if node.parent_id is not None:
            root = self._root(node)
            node.parent_id = None
            self.touch(node)
            if root.closes_cycle:  # perhaps because of the claim just removed
                self.attach(root)
        node.claimed_parent = parent_key
        self.touch(node)
        self.attach(node)

    def attach(self, node: Node) -> None:
        """Attach a root to the parent that it claims, if known; refuse the latest claim of a cycle."""
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
        """The link with the latest claim in the cycle that `node` below `parent` would close, if any."""
        if not node.has_children:
            return None
        latest, above = node, parent
        while above.parent_id is not None:
            if above.first > latest.first:
                latest = above
            above = self.nodes[above.parent_id]
        return latest if above is node else None

    def _root(self, node: Node) -> Node:
        while node.parent_id is not None:
            node = self.nodes[node.parent_id]
        return node

    # --- Counters ----------------------------------------------------------------------------------------

    def count_credit(self, key: str, *, is_direct: bool, by: int) -> None:
        """Add a credit of a link (`by` = 1) or remove one (-1)."""
        node = self.nodes[key]
        if is_direct:
            node.direct += by
            self._conversions[key] = self._conversions.get(key, 0) + by
        else:
            node.assisted += by
            self._conversions.setdefault(key, 0)

    def settle_counters(self) -> tuple[list[Node], Totals]:
        """The links whose rows must be written, and the changes to the totals of links and their ancestors.

        A link that moves takes its stored totals from the old parent to the new one.
        """
        totals: Totals = {}
        written: dict[str, Node] = {}

        def add(key: str, links: int, conversions: int, children: int) -> None:
            before = totals.get(key, (0, 0))
            totals[key] = (before[0] + links, before[1] + conversions)
            if children:
                self.nodes[key].child_count += children
                written[key] = self.nodes[key]

        for key, by in self._conversions.items():
            written[key] = self.nodes[key]
            add(key, 0, by, 0)
        for node in list(self.nodes.values()):
            if node.touched or node.has_new_opens:
                written[node.id] = node
            former, was_shared = node.loaded_parent, node.loaded_shared_ms is not None
            is_shared = node.shared_ms is not None
            if former == node.parent_id and was_shared == is_shared:
                continue
            if former is not None:
                add(former, -node.subtree_links - was_shared, -node.subtree_conversions, -int(was_shared))
            if node.parent_id is not None:
                add(node.parent_id, node.subtree_links + is_shared, node.subtree_conversions, int(is_shared))
        return list(written.values()), {key: both for key, both in totals.items() if any(both)}

    def add_totals(self, totals: Totals, *, limit: int) -> tuple[list[Node], Totals]:
        """Add to the totals of links and their ancestors, children before parents, each link once.

        Returns the links whose rows must be written, at most `limit`, and the changes that remain.
        """
        waiting = dict(totals)
        written: list[Node] = []
        for node in self._children_first(totals):
            if len(written) == limit:
                break
            links, conversions = waiting.pop(node.id, (0, 0))
            if not links and not conversions:
                continue
            node.subtree_links += links
            node.subtree_conversions += conversions
            written.append(node)
            if node.parent_id is not None:
                above = waiting.get(node.parent_id, (0, 0))
                waiting[node.parent_id] = (above[0] + links, above[1] + conversions)
        return written, {key: both for key, both in waiting.items() if any(both)}

    def _children_first(self, keys: Iterable[str]) -> Iterator[Node]:
        """These links and their ancestors, children before parents."""
        waiting: dict[str, int] = {}
        for key in keys:
            above: str | None = key
            while above is not None and above not in waiting:
                waiting[above] = 0
                above = self.nodes[above].parent_id
        for key in waiting:
            parent = self.nodes[key].parent_id
            if parent is not None:
                waiting[parent] += 1
        ready = [key for key, children in waiting.items() if not children]
        while ready:
            node = self.nodes[ready.pop()]
            yield node
            if node.parent_id is not None:
                waiting[node.parent_id] -= 1
                if not waiting[node.parent_id]:
                    ready.append(node.parent_id)
