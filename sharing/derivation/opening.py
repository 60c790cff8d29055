"""Update links after opens: the numbers of opens, and the time from which a link counts as shared."""

from collections import Counter
from collections.abc import Sequence

from sharing.derivation import store
from sharing.derivation.claiming import Claimed
from sharing.rules.forest import Forest, Node
from sharing.rules.opens import Open

# Link → (opens, distinct openers) to add.
Counts = dict[str, tuple[int, int]]


class OpenedLinks:
    """The links of a delivery's opens, either in the tree in memory or loaded beside it."""

    def __init__(self, forest: Forest, opens: Sequence[Open]) -> None:
        self._forest = forest
        keys = {item.key for item in opens}
        self.beside = store.load_links({key for key in keys if key not in forest.nodes})
        self._before = store.find_opened({item.visitor for item in opens})

    def __contains__(self, key: object) -> bool:
        return key in self._forest.nodes or key in self.beside

    def _get(self, key: str) -> Node | None:
        return self._forest.nodes.get(key) or self.beside.get(key)

    def count(self, opens: Sequence[Open], claimed: Claimed, moved: Counts) -> Counts:
        """Count new opens, and mark links that a browser made by itself as shared.

        A sharer's own opens do not count. moved: the result of `count_moved`.
        """
        found = {key: node for key in {item.key for item in opens} if (node := self._get(key))}
        theirs: list[tuple[str, str]] = []
        for item in opens:
            node = found.get(item.key)
            if node is None or item.is_bot:
                continue
            visitor, ms = item.visitor, item.moment[0]
            if node.second_open_ms is None or ms <= node.second_open_ms:  # most opens are later
                node.note_open(ms, visitor)
            if visitor != node.sharer:
                theirs.append((item.key, visitor))
        counts = Counter([key for key, _ in theirs])
        pairs = set(theirs)
        openers = Counter(key for key, _ in pairs - self._before)
        for key, visitor, ms in store.find_first_early_opens(claimed.created):
            self._forest.nodes[key].note_open(ms, visitor)
        sharers = {key: self._forest.nodes[key].sharer for key in claimed.created}
        for further in (store.count_early_opens(sharers), moved):
            for key, (count, distinct) in further.items():
                counts[key] += count
                openers[key] += distinct
        self._share()
        return {key: (counts[key], openers[key]) for key in {*counts, *openers}}

    def _share(self) -> None:
        first = [
            node
            for node in self.beside.values()
            if node.has_new_opens and node.is_automatic and node.shared_ms is None and node.foreign_open_ms
        ]
        # A new share counts in the totals of its ancestors, so they must be in the tree in memory.
        store.load_part(self._forest, [node.id for node in first])
        for node in first:
            known = self._forest.nodes[node.id]
            known.first_open_ms, known.first_opener = node.first_open_ms, node.first_opener
            known.second_open_ms, known.second_opener = node.second_open_ms, node.second_opener
            known.has_new_opens = True
            del self.beside[node.id]
        for node in (*self._forest.nodes.values(), *self.beside.values()):
            if node.has_new_opens and node.is_automatic:
                node.note_shared(node.foreign_open_ms)


def count_moved(former_owners: dict[str, str], forest: Forest) -> Counts:
    """The changes to the stored counts of links that changed owner.

    The former owners' opens count now, and the new owners' no longer do. Call it before storing new opens.
    """
    pairs = {
        pair
        for key, former in former_owners.items()
        for pair in ((key, former), (key, forest.nodes[key].sharer))
    }
    found = store.count_opens_by(pairs)
    counts: Counts = {}
    for key, former in former_owners.items():
        theirs, own = found.get((key, former), 0), found.get((key, forest.nodes[key].sharer), 0)
        counts[key] = (theirs - own, (theirs > 0) - (own > 0))
    return counts


def openers_concerned(claimed: Claimed, forest: Forest) -> set[tuple[str, str]]:
    """The (conference, visitor) pairs whose opens may count differently after links changed owner."""
    concerned = store.find_early_openers(claimed.with_new_winner)
    for key, former in claimed.former_owners.items():
        conference_id = key.partition("/")[0]
        concerned |= {(conference_id, former), (conference_id, forest.nodes[key].sharer)}
    return concerned
