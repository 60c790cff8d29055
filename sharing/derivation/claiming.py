"""Apply claims, which decide owners and parents, to the tree in memory."""

from collections.abc import Sequence

from sharing.derivation import store
from sharing.derivation.facts import Claim
from sharing.derivation.voids import set_void
from sharing.rules.forest import Forest, Node


class Claimed:
    """The results of new claims.

    created: the keys of new links. with_new_winner: the keys of links with a new deciding claim, including
    new links. former_owners: link → former sharer, of known links that changed owner.
    """

    def __init__(self) -> None:
        self.created: list[str] = []
        self.with_new_winner: set[str] = set()
        self.former_owners: dict[str, str] = {}


def apply_claims(forest: Forest, claims: Sequence[Claim]) -> Claimed:
    """Set the owner and parent of each link from the claim that sorts first.

    A known link's row has the result of its earlier claims, so this does not read them again.
    """
    store.load_part(forest, {key for claim in claims for key in (claim.link_key, claim.parent_key) if key})
    by_link: dict[str, list[Claim]] = {}
    for claim in claims:
        by_link.setdefault(claim.link_key, []).append(claim)
    result = Claimed()
    parents: dict[str, str] = {}
    for key, link_claims in by_link.items():
        winner = min(link_claims, key=lambda claim: claim.order)
        node = forest.get(key)
        if node is None:
            node = Node(key, winner.sharer, is_new=True, has_children=False)
            forest.add(node)
            result.created.append(key)
        sharers = {node.sharer, *(claim.sharer for claim in link_claims)}
        if node.is_new or winner.order < node.claim_order:
            if winner.sharer != node.sharer:
                result.former_owners[key] = node.sharer
            _take_over(node, winner)
            result.with_new_winner.add(key)
            parents[key] = winner.parent_key
        if len(sharers) > 1 and not node.is_contested:
            node.is_contested = 1
            node.touched = True
        if node.is_automatic:
            shared = [c.moment[0] for c in link_claims if c.sharer == node.sharer and not c.is_automatic]
            node.note_shared(min(shared, default=None))
    for key, parent_key in parents.items():
        forest.set_claim(forest.nodes[key], parent_key)
    for node in store.load_orphans(forest, result.created):
        if node.parent_id is None:
            forest.attach(node)
    for node in set_void(forest.nodes[key] for key in result.with_new_winner):
        node.touched = True
    _settle_first_shares(forest, result.with_new_winner)
    return result


def _take_over(node: Node, winner: Claim) -> None:
    node.sharer = winner.sharer
    node.is_minted, node.is_proven = +winner.is_minted, +winner.is_proven
    node.is_automatic, node.received_ms = +winner.is_automatic, winner.received_ms
    node.first_ms, node.first_event_id = winner.moment
    node.channel, node.target_url, node.label = winner.channel, winner.target_url, winner.label


def _settle_first_shares(forest: Forest, keys: set[str]) -> None:
    """Set the first share of the links that have a new deciding claim."""
    nodes = [forest.nodes[key] for key in keys]
    automatic = {node.id: node.sharer for node in nodes if node.is_automatic}
    first_shares = store.find_first_shares(automatic)
    for node in nodes:
        if not node.is_automatic:
            node.shared_ms = node.first_ms
        else:
            node.shared_ms = first_shares.get(node.id)
            node.note_shared(node.foreign_open_ms)
        node.has_new_opens = True
