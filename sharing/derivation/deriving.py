"""From facts to links, tree and credits: what each delivery changes, in one transaction.

Facts are inserted and all that follows from them is derived under the lock of their conferences, so a
worker that dies leaves either nothing or everything, and two workers cannot see each other's half. A fact
that is known already changes nothing; that makes every redelivery harmless. What is derived is computed
from facts and never from the order in which they came (docs/sharing.md).

The number of queries goes neither with the number of events nor with the depth of the tree: what a step needs
of many links or visitors is asked for at once. Only rows that are taken back, and what SQLite writes, go in
batches.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from analytics.days.dirty import mark_days_dirty
from analytics.days.zones import QUARTER_MS, get_zones, local_date
from sharing.derivation import bulk, facts, store
from sharing.derivation.facts import Claim, Facts, RegistrationRecord
from sharing.derivation.locks import lock_conferences
from sharing.derivation.outcomes import find_registrations_of, load_outcomes, replace_outcomes
from sharing.models import DirtyDayOutbox
from sharing.rules.attribution import Moment, Open, Outcome, attribute
from sharing.rules.forest import NEVER, Forest, Node


def apply_facts(new: Facts) -> None:
    """Store facts and derive what follows from them; then mark the days whose figures changed."""
    conference_ids = new.conference_ids()
    if conference_ids:
        with transaction.atomic():
            lock_conferences(conference_ids)
            derive(new)
    flush_dirty_days()


def derive(new: Facts) -> None:
    """Store facts and derive what follows, in the caller's transaction, which holds the lock."""
    _Derivation().run(facts.without_erased(new))


def quarter_of(ms: int) -> int:
    """The instant that stands for `ms` in DirtyDayOutbox: few for many, all of the same local day."""
    return ms // QUARTER_MS * QUARTER_MS


def flush_dirty_days() -> None:
    """Mark the days in the outbox as dirty, and empty it; also of what a killed worker left in it."""
    rows = list(DirtyDayOutbox.objects.values_list("id", "conference_id", "ms"))
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
    bulk.delete(DirtyDayOutbox, "id", [key for key, _, _ in rows])


class _Derivation:
    """The state of one derivation."""

    def __init__(self) -> None:
        self.forest = Forest()
        self.with_new_owner: set[str] = set()
        self.days: set[tuple[str, int]] = set()

    def run(self, new: Facts) -> None:
        claims = facts.insert_claims(new.claims)
        created = self._apply_claims(claims)
        opened_before = store.find_opened({item.visitor for item in new.opens})
        registered_ms = store.find_latest_registrations(new.conference_ids())
        known_links = store.find_known_links({item.key for item in new.opens}.difference(created))
        known_links.update(created)
        opens = facts.insert_opens(new.opens, known_links=known_links)
        registrations, former_moments = facts.merge_registrations(new.registrations, anew=new.is_complete)
        if not (claims or opens or registrations):
            return
        affected = self._find_affected(registrations, opens, registered_ms)
        former = load_outcomes(affected.keys() - (registrations.keys() - former_moments.keys()))
        outcomes = self._attribute(affected)
        self._count_credits(former, outcomes)

        for key, outcome in outcomes.items():
            item = affected[key]
            former_moment = former_moments.get(key, item.moment)
            if (
                bool(outcome.credits) != bool(former.get(key, Outcome()).credits)
                or former_moment != item.moment
            ):
                self._note_day(item.conference_id, item.moment)
                self._note_day(item.conference_id, former_moment)
        human = [item for item in opens if not item.is_bot and item.key in known_links]
        store.save_links(
            self.forest.settle_counters(),
            with_new_owner=self.with_new_owner,
            opened=_count_opens(human, opened_before, created),
        )
        replace_outcomes(former, outcomes, {key: item.moment[0] for key, item in affected.items()})
        bulk.insert(DirtyDayOutbox, ("conference_id", "ms"), list(self.days))

    # --- Links -------------------------------------------------------------------------------------------

    def _apply_claims(self, claims: Sequence[Claim]) -> list[str]:
        """Let new claims decide on owners and parents. Returns the keys of links that are new by them.

        A link that is known has all that its earlier claims decided in its own row; they are asked again
        only where it turns out to be somebody else's.
        """
        store.load_part(
            self.forest, {key for claim in claims for key in (claim.link_key, claim.parent_key) if key}
        )
        by_link: dict[str, list[Claim]] = {}
        for claim in claims:
            by_link.setdefault(claim.link_key, []).append(claim)
        created = [key for key in by_link if self.forest.get(key) is None]
        owners: dict[str, str] = {}
        for key, link_claims in by_link.items():
            node = self.forest.get(key)
            if node is None:
                node = Node(key, is_new=True, has_children=False)
                self.forest.add(node)
            if self._decide_owner(node, link_claims):
                owners[key] = node.sharer
        first_parents = store.load_first_parents(owners)
        store.load_part(self.forest, {parent_key for _, parent_key in first_parents.values()})

        for key, link_claims in by_link.items():
            node = self.forest.nodes[key]
            known = (node.parent_moment, node.claimed_parent)
            if key in owners:
                first = first_parents.get(key, (NEVER, ""))
            else:
                named = [
                    (claim.moment, claim.parent_key)
                    for claim in link_claims
                    if claim.parent_key and claim.sharer == node.sharer
                ]
                first = min([known, *named] if node.claimed_parent else named, default=known)
            if node.is_new or first != known:
                moment, parent_key = first
                self.forest.set_claim(node, parent_key, moment)
        orphans = store.load_orphans(self.forest, created)
        for node in orphans:
            if node.parent is None:
                self.forest.attach(node)
        return created

    def _decide_owner(self, node: Node, claims: list[Claim]) -> bool:
        """Give the link to the first who claimed it, a minted one to its owner. Returns whether it was
        somebody else's so far."""
        winner = min(claims, key=lambda claim: (not claim.is_minted, claim.moment))
        former = winner.sharer if node.is_new else node.sharer
        if node.is_new or (not winner.is_minted, winner.moment) < (not node.is_minted, node.first):
            for moment in (winner.moment,) if node.is_new else (node.first, winner.moment):
                self._note_day(node.key.partition("/")[0], moment)
            node.sharer, node.is_minted = winner.sharer, int(winner.is_minted)
            node.first_ms, node.first_event_id = winner.moment
            node.channel, node.target_url, node.label = winner.channel, winner.target_url, winner.label
            self.with_new_owner.add(node.key)
            self.forest.touch(node)
        if not node.is_contested and any(
            sharer != node.sharer for sharer in (former, *(claim.sharer for claim in claims))
        ):
            node.is_contested = 1
            node.touched = True
        return former != node.sharer

    # --- Credits -----------------------------------------------------------------------------------------

    def _find_affected(
        self,
        registrations: dict[str, RegistrationRecord],
        opens: Sequence[Open],
        registered_ms: dict[str, int],
    ) -> dict[str, RegistrationRecord]:
        """The registrations whose credits may differ now: what they do not depend on is left alone.

        opens: the new ones. registered_ms: when the last registration of each conference happened that was
        known before; an open after it, which is the usual case, concerns none of them.
        """
        affected = dict(registrations)
        earliest: dict[tuple[str, str], Moment] = {}
        last_ms = max(registered_ms.values(), default=-1)
        for item in [item for item in opens if item.moment[0] <= last_ms]:
            conference_id = item.key.partition("/")[0]
            who = (conference_id, item.visitor)
            if item.moment[0] <= registered_ms.get(conference_id, -1):
                earliest[who] = min(item.moment, earliest.get(who, item.moment))
        for reported in facts.find_registrations_by({visitor for _, visitor in earliest}):
            first = earliest.get((reported.conference_id, reported.visitor))
            if first is not None and first < reported.moment:
                affected.setdefault(reported.id, reported)
        # A registration that looked for a link, and found it or not, has a row that names it.
        new = {key for key in self.forest.changed if self.forest.nodes[key].is_new}
        ids = find_registrations_of(self.forest.changed - new, new)
        affected.update(facts.load_registrations(ids - affected.keys()))
        return affected

    def _attribute(self, registrations: dict[str, RegistrationRecord]) -> dict[str, Outcome]:
        opens = store.load_opens({item.visitor for item in registrations.values() if item.visitor})
        for found in opens.values():
            found.sort(key=lambda item: item.moment)
        of_registrant = {
            key: opens.get((item.conference_id, item.visitor), []) for key, item in registrations.items()
        }
        touched = {opened.key for found in of_registrant.values() for opened in found}
        touched |= {item.code_key for item in registrations.values() if item.code_key}
        store.load_part(self.forest, touched)
        return {
            key: attribute(item.registration, of_registrant[key], self.forest.nodes.get)
            for key, item in registrations.items()
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

    def _note_day(self, conference_id: str, moment: Moment) -> None:
        self.days.add((conference_id, quarter_of(moment[0])))


def _count_opens(
    opens: Sequence[Open], opened_before: set[tuple[str, str]], created: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Opens and openers to be added to each link: the new `opens`, and of a new link those that came
    before it.

    opened_before: the (link, visitor) pairs that were stored before.
    """
    pairs = [(item.key, item.visitor) for item in opens]
    counts = Counter(key for key, _ in pairs)
    openers = Counter(key for key, _ in {*pairs} - opened_before)
    for key, (early, early_openers) in store.count_early_opens(created).items():
        counts[key] += early
        openers[key] += early_openers
    return {key: (count, openers[key]) for key, count in counts.items()}
