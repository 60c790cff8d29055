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
from collections.abc import Sequence

from django.db import transaction

from analytics.days.dirty import mark_days_dirty
from analytics.days.zones import QUARTER_MS, get_zones, local_date
from sharing.derivation import bulk, facts, store
from sharing.derivation.claiming import Claimed, apply_claims
from sharing.derivation.facts import Facts, event_key
from sharing.derivation.locks import lock_conferences
from sharing.derivation.opening import OpenedLinks, count_moved, openers_concerned
from sharing.derivation.outcomes import (
    find_registrations_of,
    load_conversion_times,
    load_outcomes,
    replace_outcomes,
)
from sharing.derivation.registrations import (
    RegistrationRecord,
    find_registrations_by,
    find_repeating,
    load_registrations,
    merge_registrations,
    merge_standings,
    to_attribute,
)
from sharing.models import DirtyDayOutbox
from sharing.rules.attribution import NAMED_OPENS, Outcome, attribute
from sharing.rules.forest import Forest
from sharing.rules.opens import Moment, Open, Opens


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
        self.days: set[tuple[str, int]] = set()

    def run(self, new: Facts) -> None:
        claimed = apply_claims(self.forest, facts.insert_claims(new.claims))
        linked = OpenedLinks(self.forest, new.opens)
        moved = count_moved(claimed.former_owners, self.forest)
        registered_ms = store.find_latest_registrations(new.conference_ids())
        opens = facts.insert_opens(new.opens, known_links=linked)
        opened = linked.count(opens, claimed, moved)
        registrations, known = merge_registrations(new.registrations, is_complete=new.is_complete)
        standing = merge_standings(new.standings)

        affected = dict(registrations)
        affected.update((item.id, item) for item in find_repeating(registrations, known))
        self._add_affected_by_opens(affected, opens, registered_ms)
        self._add_affected_by_links(affected, claimed)
        affected.update(load_registrations(standing - affected.keys()))
        self.attribute_again(affected)

        nodes = self.forest.settle_counters()
        for node in (*nodes, *linked.beside.values()):
            if node.shared_ms != node.loaded_shared_ms:
                self._note_day(node.id, node.shared_ms, node.loaded_shared_ms)
        store.save_links(
            nodes, with_new_owner=claimed.with_new_winner, opened=opened, opened_only=linked.beside.values()
        )
        bulk.insert(DirtyDayOutbox, ("conference_id", "ms"), list(self.days))

    def attribute_again(self, affected: dict[str, RegistrationRecord]) -> None:
        """Derive what follows for these registrations, and store where it differs."""
        former = load_outcomes(affected)
        former_ms = load_conversion_times(affected)
        outcomes = self._attribute(affected)
        self._count_credits(former, outcomes)
        for key, outcome in outcomes.items():
            ms = affected[key].moment[0] if outcome.credits else None
            if ms != former_ms.get(key):
                self._note_day(key, ms, former_ms.get(key))
        replace_outcomes(former, outcomes, {key: item.moment[0] for key, item in affected.items()})

    # --- Which registrations a change concerns -------------------------------------------------------------

    def _add_affected_by_opens(
        self, affected: dict[str, RegistrationRecord], opens: Sequence[Open], registered_ms: dict[str, int]
    ) -> None:
        """Add the registrations that new opens came before.

        registered_ms: when the last registration of each conference happened that was known before; an open
        after it, which is the usual case, concerns none of them.
        """
        last_ms = max(registered_ms.values(), default=-1)
        earliest: dict[tuple[str, str], Moment] = {}
        for item in [item for item in opens if item.moment[0] <= last_ms]:
            conference_id = item.key.partition("/")[0]
            who = (conference_id, item.visitor)
            if item.moment[0] <= registered_ms.get(conference_id, -1):
                earliest[who] = min(item.moment, earliest.get(who, item.moment))
        for found in find_registrations_by({visitor for _, visitor in earliest}):
            first = earliest.get((found.conference_id, found.visitor))
            if first is not None and first < found.moment:
                affected.setdefault(found.id, found)

    def _add_affected_by_links(self, affected: dict[str, RegistrationRecord], claimed: Claimed) -> None:
        """Add the registrations that looked for a changed link, found it or not, or may find it now."""
        new = {key for key in self.forest.changed if self.forest.nodes[key].is_new}
        ids = find_registrations_of(self.forest.changed - new, new)
        affected.update(load_registrations(ids - affected.keys()))
        concerned = openers_concerned(claimed, self.forest)
        for found in find_registrations_by({visitor for _, visitor in concerned}):
            if (found.conference_id, found.visitor) in concerned:
                affected.setdefault(found.id, found)

    # --- Credits -----------------------------------------------------------------------------------------

    def _attribute(self, records: dict[str, RegistrationRecord]) -> dict[str, Outcome]:
        registrations = to_attribute(records)
        opens = store.load_opens({item.visitor for item in records.values() if item.visitor})
        touched = {item.key for found in opens.values() for item in found}
        touched |= {item.code_key for item in records.values() if item.code_key}
        store.load_part(self.forest, touched)
        get_link = self.forest.nodes.get
        of_visitor = {who: Opens(found, get_link) for who, found in opens.items()}
        # So many opens are not all named by the registrations after them.
        store.mark_early(
            [
                event_key(item.moment, item.key)
                for found in of_visitor.values()
                if len(found) > NAMED_OPENS
                for item in found.ahead
                if not item.is_early
            ]
        )
        nothing = Opens((), get_link)
        return {
            key: attribute(
                registration,
                of_visitor.get((records[key].conference_id, registration.visitor), nothing),
                get_link,
            )
            for key, registration in registrations.items()
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

    def _note_day(self, key: str, *instants: int | None) -> None:
        """Note the days of these instants in the conference of `key`, for whose figures they count."""
        conference_id = key.partition("/")[0]
        self.days |= {(conference_id, quarter_of(ms)) for ms in instants if ms is not None}
