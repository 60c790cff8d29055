"""From facts to links, tree and credits: what each delivery changes, in one transaction.

Facts are inserted and all that follows from them is derived under the lock of their conferences, so a
worker that dies leaves either nothing or everything, and two workers cannot see each other's half. A fact
that is known already changes nothing; that makes every redelivery harmless. What is derived is computed
from facts and never from the order in which they came (docs/sharing.md).

The number of queries is fixed, however many events a delivery has and however deep the tree is.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import transaction

from analytics.dirty import mark_days_dirty
from analytics.zones import get_zones, local_date
from sharing import bulk, facts, store
from sharing.attribution import Open, Order, Outcome, attribute
from sharing.facts import Facts, Reported
from sharing.locks import lock_conferences
from sharing.models import DayToMark
from sharing.store import Claim
from sharing.tree import Forest, Node

_QUARTER_MS = 15 * 60 * 1000  # local days begin on one: see analytics/zones.py


def apply_facts(new: Facts) -> None:
    """Store facts and derive what follows from them; then mark the days whose figures changed."""
    conference_ids = new.conference_ids()
    if conference_ids:
        with transaction.atomic():
            lock_conferences(conference_ids)
            derive(new)
    pass_on_days()


def apply_claims(claims: Iterable[Claim], conference_id: str) -> None:
    """Store claims that are made here, and derive what follows, in the caller's transaction."""
    lock_conferences([conference_id])
    derive(Facts(claims=[(claim, False) for claim in claims]))


def derive(new: Facts) -> None:
    """Store facts and derive what follows, in the caller's transaction, which holds the lock."""
    _Derivation().run(new)


def quarter_of(ms: int) -> int:
    """The instant that stands for `ms` in DayToMark: few for many, all of the same local day."""
    return ms // _QUARTER_MS * _QUARTER_MS


def pass_on_days() -> None:
    """Mark the days in the outbox as dirty, and empty it; also of what a killed worker left in it."""
    rows = list(DayToMark.objects.values_list("id", "conference_id", "ms"))
    if not rows:
        return
    zones = get_zones({conference_id for _, conference_id, _ in rows})
    # A conference that does not exist yet has no days; its events mark theirs once they are adopted.
    days: set[tuple[str, dt.date]] = {
        (conference_id, local_date(zones[conference_id], ms))
        for _, conference_id, ms in rows
        if conference_id in zones
    }
    mark_days_dirty(days)
    bulk.delete(DayToMark, "id", [key for key, _, _ in rows])


class _Derivation:
    """The state of one derivation."""

    def __init__(self) -> None:
        self.forest = Forest()
        self.with_new_owner: set[str] = set()
        self.days: set[tuple[str, int]] = set()

    def run(self, new: Facts) -> None:
        claims = facts.insert_claims(new.claims)
        created = self._apply_claims(claims)
        openers, registered = store.find_known_visitors({item.visitor for item in new.opens})
        known_links = store.find_known_links({item.key for item in new.opens}.difference(created))
        known_links.update(created)
        opens = facts.insert_opens(new.opens, known_links=known_links)
        registrants, former_orders = facts.merge_registrants(new.registrations)
        if not (claims or opens or registrants):
            return
        affected = self._find_affected(registrants, [item for item in opens if item.visitor in registered])
        former = store.load_outcomes(affected.keys() - (registrants.keys() - former_orders.keys()))
        outcomes = self._attribute(affected)
        self._count_credits(former, outcomes)

        for key, outcome in outcomes.items():
            item = affected[key]
            had_order = former_orders.get(key, item.order)
            if bool(outcome.credits) != bool(former.get(key, Outcome()).credits) or had_order != item.order:
                self._note_day(item.conference_id, item.order)
                self._note_day(item.conference_id, had_order)
        human = [item for item in opens if not item.is_bot and item.key in known_links]
        store.save_links(
            self.forest.settle_counters(),
            with_new_owner=self.with_new_owner,
            opened=self._count_opens(human, openers, created),
        )
        store.replace_outcomes(former, outcomes, {key: item.order[0] for key, item in affected.items()})
        bulk.insert(DayToMark, ("conference_id", "ms"), list(self.days))

    # --- Links -------------------------------------------------------------------------------------------

    def _apply_claims(self, claims: Sequence[Claim]) -> list[str]:
        """Let new claims decide on owners and parents. Returns the keys of links that are new by them."""
        store.load_part(
            self.forest, {key for claim in claims for key in (claim.link_key, claim.parent_key) if key}
        )
        by_link: dict[str, list[Claim]] = {}
        for claim in claims:
            by_link.setdefault(claim.link_key, []).append(claim)
        created = [key for key in by_link if self.forest.get(key) is None]
        # A link that is known already: its earlier claims count, too.
        for claim in store.load_claims(by_link.keys() - set(created)):
            by_link[claim.link_key].append(claim)

        nodes = []
        for key, link_claims in by_link.items():
            node = self.forest.get(key)
            if node is None:
                node = Node(key)
                self.forest.add(node)
            nodes.append((node, self._decide_owner(node, link_claims)))
        # Usually loaded already; not where the link has gone to somebody whose own claims were known before.
        store.load_part(self.forest, {first.parent_key for _, first in nodes if first})
        for node, first in nodes:
            parent_key, order = (first.parent_key, first.order) if first else ("", (0, ""))
            if node.is_new or (parent_key, order) != (node.claimed_parent, node.parent_order):
                self.forest.set_claim(node, parent_key, order)
        orphans = store.load_orphans(self.forest, created)
        for node in orphans:
            if node.parent is None:
                self.forest.attach(node)
        return created

    def _decide_owner(self, node: Node, claims: list[Claim]) -> Claim | None:
        """Give the link to the first who claimed it. Returns the owner's first claim that names a parent."""
        winner = min(claims, key=lambda claim: (not claim.is_minted, claim.order))
        if node.is_new or (winner.order, winner.sharer) != (node.first, node.sharer):
            for order in (node.first, winner.order) if not node.is_new else (winner.order,):
                self._note_day(node.key.partition("/")[0], order)
            node.sharer, node.first, node.is_minted = winner.sharer, winner.order, winner.is_minted
            node.channel, node.target_url, node.label = winner.channel, winner.target_url, winner.label
            self.with_new_owner.add(node.key)
            self.forest.touch(node)
        is_contested = any(claim.sharer != winner.sharer for claim in claims)
        if is_contested != node.is_contested:
            node.is_contested = is_contested
            node.touched = True
        with_parent = [claim for claim in claims if claim.parent_key and claim.sharer == winner.sharer]
        return min(with_parent, key=lambda claim: claim.order, default=None)

    def _count_opens(
        self, opens: Sequence[Open], known_visitors: set[str], created: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        """Opens and openers to be added to each link: the new `opens`, and of a new link those that came
        before it."""
        opened = store.count_early_opens(created)
        by_visitor = Counter([(item.key, item.visitor) for item in opens])
        # Who was not known has not opened the link before.
        stored = store.count_opens_by_visitor(known_visitors & {visitor for _, visitor in by_visitor})
        for pair, count in by_visitor.items():
            is_new = stored.get(pair, count) == count
            opens_so_far, openers = opened.get(pair[0], (0, 0))
            opened[pair[0]] = (opens_so_far + count, openers + is_new)
        return opened

    # --- Credits -----------------------------------------------------------------------------------------

    def _find_affected(self, registrants: dict[str, Reported], opens: Sequence[Open]) -> dict[str, Reported]:
        """The registrations whose credits may differ now: what they do not depend on is left alone.

        opens: those of visitors with a registration that was known before.
        """
        affected = dict(registrants)
        earliest: dict[tuple[str, str], Order] = {}
        for item in opens:
            who, order = (item.key.partition("/")[0], item.visitor), item.order
            known = earliest.get(who)
            if known is None or order < known:
                earliest[who] = order
        for reported in facts.find_registrants_by({visitor for _, visitor in earliest}):
            first = earliest.get((reported.conference_id, reported.visitor))
            if first is not None and first < reported.order:
                affected.setdefault(reported.id, reported)
        # A registration that looked for a link, and found it or not, has a row that names it.
        new = {key for key in self.forest.changed if self.forest.nodes[key].is_new}
        ids = store.find_registrants_of(self.forest.changed - new, new)
        affected.update(facts.load_registrants(ids - affected.keys()))
        return affected

    def _attribute(self, registrants: dict[str, Reported]) -> dict[str, Outcome]:
        opens = store.load_opens({item.visitor for item in registrants.values() if item.visitor})
        for found in opens.values():
            found.sort(key=lambda item: item.order)
        of_registrant = {
            key: opens.get((item.conference_id, item.visitor), []) for key, item in registrants.items()
        }
        touched = {opened.key for found in of_registrant.values() for opened in found}
        touched |= {item.code_key for item in registrants.values() if item.code_key}
        store.load_part(self.forest, touched)
        return {
            key: attribute(item.registration, of_registrant[key], self.forest.get)
            for key, item in registrants.items()
        }

    def _count_credits(self, former: dict[str, Outcome], outcomes: dict[str, Outcome]) -> None:
        # The links of former credits are loaded: they changed, or the registrant's opens lead to them.
        store.load_part(self.forest, {item.key for key in former for item in former[key].credits})
        for key, outcome in outcomes.items():
            before = former.get(key, Outcome())
            if before.credits == outcome.credits:
                continue
            for credits, by in ((before.credits, -1), (outcome.credits, 1)):
                for place, item in enumerate(credits):
                    self.forest.count_credit(item.key, is_direct=place == 0, by=by)

    def _note_day(self, conference_id: str, order: Order) -> None:
        self.days.add((conference_id, quarter_of(order[0])))
