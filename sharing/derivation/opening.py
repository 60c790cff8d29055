"""What opens change in the links they are of: their counts, and from when on they count as shared."""

from collections import Counter
from collections.abc import Sequence

from sharing.derivation import store
from sharing.derivation.claiming import Claimed
from sharing.rules.forest import Forest, Node
from sharing.rules.opens import Open

# Link → (opens, distinct openers), to be added.
Counts = dict[str, tuple[int, int]]


class OpenedLinks:
    """The links that a delivery's opens are of: those of the tree in memory, the others loaded beside it."""

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
        """Count new opens, and let links that only a browser made become shared by them.

        A sharer's own opens count nowhere. moved: from `count_moved`.
        """
        counts: Counter[str] = Counter()
        pairs: set[tuple[str, str]] = set()
        for item in opens:
            node = None if item.is_bot else self._get(item.key)
            if node is None:
                continue
            node.note_open(item.moment[0], item.visitor)
            if item.visitor != node.sharer:
                counts[item.key] += 1
                pairs.add((item.key, item.visitor))
        openers = Counter(key for key, _ in pairs - self._before)
        for key, visitor, ms in store.find_first_early_opens(claimed.created):
            self._forest.nodes[key].note_open(ms, visitor)
        sharers = {key: self._forest.nodes[key].sharer for key in claimed.created}
        for found in (store.count_early_opens(sharers), moved):
            for key, (count, distinct) in found.items():
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
        # A further share counts in the links above it, so they must be in the tree in memory.
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
    """What changes in the stored counts of links that turned out to be somebody else's: the former owners'
    opens count now, and the owners' no longer. Before further opens are stored."""
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
    """(conference, visitor) of those whose opens may count otherwise since the owners of links changed."""
    concerned = store.find_early_openers(claimed.with_new_winner)
    for key, former in claimed.former_owners.items():
        conference_id = key.partition("/")[0]
        concerned |= {(conference_id, former), (conference_id, forest.nodes[key].sharer)}
    return concerned
