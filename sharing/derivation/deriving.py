"""Derive links, tree and credits from facts: the changes of each delivery, in one transaction.

A delivery stores its facts and the data derived from them under the lock of their conferences. A worker that
dies leaves either nothing or everything, and two workers cannot see each other's half-done work. A known fact
changes nothing, so redelivery is harmless. The derived data depends on the facts alone and never on their
order of arrival (docs/sharing.md).

The number of queries depends neither on the number of events nor on the depth of the tree: each step reads
many links or visitors at once. Only deletions and SQLite's writes run in batches.
"""

import datetime as dt
import time
from collections.abc import Collection, Sequence

from django.db import transaction

from analytics.days.dirty import mark_days_dirty
from analytics.days.zones import QUARTER_MS, get_zones, local_date
from sharing.derivation import bulk, facts, store
from sharing.derivation.claiming import Claimed, apply_claims
from sharing.derivation.facts import Facts, event_key
from sharing.derivation.locks import lock_conferences
from sharing.derivation.opening import Counts, OpenedLinks, count_moved, openers_concerned
from sharing.derivation.outcomes import (
    find_registrations_of,
    load_conversion_times,
    load_outcomes,
    note_confirmed,
    put_aside,
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
from sharing.derivation.sums import Sums, count_stale, save_channels
from sharing.derivation.totals import add_totals, flush_totals, take_due
from sharing.derivation.voids import set_void
from sharing.models import DirtyDayOutbox, PendingTotal, StaleRegistration
from sharing.rules.attribution import NAMED_OPENS, Outcome, attribute
from sharing.rules.forest import Forest, Node
from sharing.rules.opens import Moment, Open, Opens

# A transaction writes about this many credits and reasons, and reads this many registrations. The other
# registrations wait in StaleRegistration for the next transactions.
_ROWS_AT_ONCE = 20_000
_REGISTRATIONS_AT_ONCE = 2_000
_STALE_AT_ONCE = 100
# Of how many waiting rows `settle_all` reads the conferences.
_SETTLED_AT_ONCE = 1_000
# The pause between two transactions lets other workers take the lock.
_PAUSE_SECONDS = 0.01


def apply_facts(new: Facts) -> None:
    """Store facts and update the derived data; then mark the days whose figures changed."""
    conference_ids = new.conference_ids()
    due = take_due(conference_ids)
    if conference_ids:
        with transaction.atomic():
            lock_conferences(conference_ids)
            derive(new, due=due)
    _settle(conference_ids, due=due)


def derive(new: Facts, *, due: Collection[str] = ()) -> None:
    """Store facts and update the derived data in the caller's transaction, which holds the lock.

    due: the conferences whose totals may be written now (totals.py). The caller must call `settle` after its
    commit.
    """
    _Derivation(due).run(facts.without_erased(new))


def derive_links_again(keys: Collection[str]) -> None:
    """Check again whether these links are void, and update the derived data. Same contract as `derive`."""
    _Derivation().run_links(keys)


def settle(conference_ids: Collection[str]) -> None:
    """Finish the work left for further transactions and mark the changed days. Call it after the commit."""
    _settle(conference_ids, due=take_due(conference_ids))


def _settle(conference_ids: Collection[str], *, due: Collection[str]) -> None:
    while _derive_stale(conference_ids):
        time.sleep(_PAUSE_SECONDS)
    flush_totals(due)
    flush_dirty_days()


def settle_all() -> None:
    """Settle conferences: finish the work of killed workers, and add totals that were not due before.

    Each call looks at the first rows only, so it costs the same however much waits; settling deletes them.
    """
    unsettled = {
        conference_id
        for model in (StaleRegistration, PendingTotal)
        for conference_id in model._default_manager.order_by("pk").values_list("conference_id", flat=True)[
            :_SETTLED_AT_ONCE
        ]
    }
    settle(unsettled)
    count_stale()


def _derive_stale(conference_ids: Collection[str]) -> bool:
    """Derive some of the waiting registrations. Returns whether there were any."""
    waiting = StaleRegistration.objects.filter(conference_id__in=conference_ids).order_by("id")
    if not waiting.exists():
        return False
    with transaction.atomic():
        lock_conferences(conference_ids)
        keys = list(waiting.values_list("id", flat=True)[:_STALE_AT_ONCE])
        bulk.delete(StaleRegistration, "id", keys)
        _Derivation().run_registrations(keys)
    return True


def quarter_of(ms: int) -> int:
    """The start of the quarter hour of `ms`. It is on the same local day and keeps DirtyDayOutbox small."""
    return ms // QUARTER_MS * QUARTER_MS


def flush_dirty_days() -> None:
    """Mark the days in the outbox as dirty and empty it, including rows that a killed worker left."""
    rows = list(DirtyDayOutbox.objects.values_list("id", "conference_id", "ms"))
    if not rows:
        return
    zones = get_zones({conference_id for _, conference_id, _ in rows})
    # A conference that does not exist yet has no days. Its events mark their days when it adopts them.
    days: set[tuple[str, dt.date]] = {
        (conference_id, local_date(zones[conference_id], ms))
        for _, conference_id, ms in rows
        if conference_id in zones
    }
    mark_days_dirty(days)
    bulk.delete(DirtyDayOutbox, "id", [key for key, _, _ in rows])


class _Derivation:
    """The state of one derivation. due: the conferences whose totals may be written now."""

    def __init__(self, due: Collection[str] = ()) -> None:
        self.due = due
        self.forest = Forest()
        self.days: set[tuple[str, int]] = set()
        self.sums = Sums()

    def run(self, new: Facts) -> None:
        claimed = apply_claims(self.forest, facts.insert_claims(new.claims))
        new.opens = list(facts.leave_out_excess(new.opens))
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
        self._add_affected_by_openers(affected, claimed)
        ids = self._find_affected_by_links() | standing
        self._attribute_again(affected, ids - affected.keys(), new=registrations.keys() - known.keys())
        note_confirmed(
            {
                key: item.is_confirmed
                for key, item in registrations.items()
                if key in known and item.is_confirmed != known[key].is_confirmed
            }
        )
        self._save(claimed.with_new_winner, opened, linked.beside.values())

    def run_links(self, keys: Collection[str]) -> None:
        store.load_part(self.forest, keys)
        nodes = [self.forest.nodes[key] for key in keys if key in self.forest.nodes]
        for node in set_void(nodes):
            self.forest.touch(node)
        self._attribute_again({}, self._find_affected_by_links())
        self._save()

    def run_registrations(self, keys: Collection[str]) -> None:
        self._attribute_again({}, set(keys))
        self._save()

    def _save(
        self,
        with_new_winner: Collection[str] = (),
        opened: Counts | None = None,
        opened_only: Collection[Node] = (),
    ) -> None:
        nodes, totals = self.forest.settle_counters()
        for node in (*nodes, *opened_only):
            if (node.shared_ms, node.is_void) != (node.loaded_shared_ms, node.loaded_is_void):
                self._note_day(node.id, node.shared_ms, node.loaded_shared_ms)
        changed = {node.id: node for node in (*nodes, *opened_only)}
        for key in (opened or {}).keys() - changed.keys():
            changed[key] = self.forest.nodes[key]
        save_channels(changed.values(), opened or {})
        store.save_links(
            nodes, with_new_owner=with_new_winner, opened=opened or {}, opened_only=opened_only,
            with_totals=add_totals(self.forest, totals, due=self.due),
        )  # fmt: skip
        self.sums.save()
        bulk.insert(DirtyDayOutbox, ("conference_id", "ms"), list(self.days))

    def _attribute_again(
        self, records: dict[str, RegistrationRecord], ids: set[str], *, new: Collection[str] = ()
    ) -> None:
        """Derive the outcomes of registrations and store those that differ, within a transaction's limits.

        ids: further registrations, to be loaded. new: registrations without a stored outcome.
        """
        room = max(0, _REGISTRATIONS_AT_ONCE - len(records))
        loaded = sorted(ids)[:room]
        affected = {**records, **load_registrations(loaded)}
        later = ids.difference(loaded) | set(list(affected)[_REGISTRATIONS_AT_ONCE:])
        affected = {key: item for key, item in affected.items() if key not in later}
        former = load_outcomes(affected.keys() - new)
        outcomes = self._attribute(affected)
        rows = 0
        for key, outcome in list(outcomes.items()):
            if rows > _ROWS_AT_ONCE:
                later.add(key)
                del outcomes[key]
            rows += outcome.rows + (former[key].rows if key in former else 0)
        former = {key: outcome for key, outcome in former.items() if key in outcomes}
        former_ms = load_conversion_times(former)
        registered_ms = {key: affected[key].moment[0] for key in outcomes}
        self._count_credits(former, outcomes, former_ms, registered_ms)
        for key, outcome in outcomes.items():
            ms = registered_ms[key] if outcome.credits else None
            if ms != former_ms.get(key):
                self._note_day(key, ms, former_ms.get(key))
        reported = {key for key in outcomes if not affected[key].is_confirmed}
        replace_outcomes(former, outcomes, registered_ms, reported)
        put_aside(later)

    # --- Which registrations a change affects --------------------------------------------------------------

    def _add_affected_by_opens(
        self, affected: dict[str, RegistrationRecord], opens: Sequence[Open], registered_ms: dict[str, int]
    ) -> None:
        """Add the registrations that happened after new opens.

        registered_ms: the time of each conference's last known registration. An open after it, which is the
        usual case, affects no registration.
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

    def _add_affected_by_openers(self, affected: dict[str, RegistrationRecord], claimed: Claimed) -> None:
        """Add the registrations of visitors whose opens may gain or lose a link."""
        concerned = openers_concerned(claimed, self.forest)
        for found in find_registrations_by({visitor for _, visitor in concerned}):
            if (found.conference_id, found.visitor) in concerned:
                affected.setdefault(found.id, found)

    def _find_affected_by_links(self) -> set[str]:
        """The registrations whose outcome may depend on a changed link."""
        new = {key for key in self.forest.changed if self.forest.nodes[key].is_new}
        return find_registrations_of(self.forest.changed - new, new)

    # --- Credits -----------------------------------------------------------------------------------------

    def _attribute(self, records: dict[str, RegistrationRecord]) -> dict[str, Outcome]:
        registrations = to_attribute(records)
        opens = store.load_opens({item.visitor for item in records.values() if item.visitor})
        touched = {item.key for found in opens.values() for item in found}
        touched |= {item.code_key for item in records.values() if item.code_key}
        store.load_part(self.forest, touched)
        get_link = self.forest.nodes.get
        of_visitor = {who: Opens(found, get_link) for who, found in opens.items()}
        # Later registrations do not name all opens of such a visitor, so mark those ahead of their link.
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

    def _count_credits(
        self,
        former: dict[str, Outcome],
        outcomes: dict[str, Outcome],
        former_ms: dict[str, int],
        registered_ms: dict[str, int],
    ) -> None:
        # Load the links of former credits, which may not be in memory yet.
        store.load_part(self.forest, {item.key for key in former for item in former[key].credits})
        for key, outcome in outcomes.items():
            before = former.get(key, Outcome())
            if before.credits == outcome.credits:
                continue
            conference_id = key.partition("/")[0]
            for credits, instants, by in (
                (before.credits, former_ms, -1),
                (outcome.credits, registered_ms, 1),
            ):
                for place, item in enumerate(credits):
                    self.forest.count_credit(item.key, is_direct=place == 0, by=by)
                if credits:
                    self.sums.count(conference_id, instants[key], credits, by=by)

    def _note_day(self, key: str, *instants: int | None) -> None:
        """Note that figures changed on the days of these instants in the conference of `key`."""
        conference_id = key.partition("/")[0]
        self.days |= {(conference_id, quarter_of(ms)) for ms in instants if ms is not None}
