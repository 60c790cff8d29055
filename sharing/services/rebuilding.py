"""Rebuild all derived data of a conference after a change of its attribution window or of the rules.

`rederive_registrations` rebuilds only the registrations, after the conference started or stopped trusting its
clients.
"""

import itertools

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from analytics.events.rows import EventRow, to_row
from analytics.models import Event
from sharing.derivation import bulk, deriving
from sharing.derivation.facts import FACT_TYPES, Claim, Facts, read_facts
from sharing.derivation.locks import lock_conferences
from sharing.derivation.store import claims_of, opens_of, standings_of
from sharing.derivation.sums import delete_sums
from sharing.models import (
    Credit,
    DirtyDayOutbox,
    NotCredited,
    PendingTotal,
    ShareClaim,
    ShareConversion,
    ShareLink,
    ShareRegistration,
    StaleRegistration,
)

_EVENTS_AT_ONCE = 5000
_REGISTRATIONS_AT_ONCE = 500


def rebuild(conference_id: str) -> int:
    """Replace all facts and derived data with those of the stored events. Returns the number of events.

    Minted links stay as they are, because they are not events. The rebuild is one transaction: readers see
    the old state or the new one, and new events wait for it.
    """
    count = 0
    with transaction.atomic():
        lock_conferences([conference_id])
        minted = _minted_claims(conference_id)
        _note_days(conference_id)
        _delete_all(conference_id)
        deriving.derive(Facts(claims=minted))
        events = Event.objects.filter(conference_id=conference_id, type__in=FACT_TYPES)
        rows = map(to_row, events.order_by("id").iterator(chunk_size=_EVENTS_AT_ONCE))
        while part := list(itertools.islice(rows, _EVENTS_AT_ONCE)):
            _apply(part)
            count += len(part)
        # A deleted user still owns their minted links but has no row to refer to.
        users = get_user_model()._default_manager.filter(pk=OuterRef("sharer_user_id"))
        links = ShareLink.objects.filter(conference_id=conference_id, sharer_user__isnull=False)
        links.filter(~Exists(users)).update(sharer_user=None)
    deriving.settle([conference_id])
    return count


def rederive_registrations(conference_id: str) -> int:
    """Read each registration again from its stored events. Returns the number of registrations.

    It uses the conference's current settings, except the window. Each transaction handles a few hundred
    registrations, so deliveries can run in between; they use the same settings.
    """
    with transaction.atomic():
        lock_conferences([conference_id])  # deliveries under the old settings have finished by then
        found = ShareRegistration.objects.filter(conference_id=conference_id).values_list("id", flat=True)
        ids = [key.partition("/")[2] for key in found]
    # With them the day index finds a registration by its subject. A bot's registration is not a fact.
    of_conference = Event.objects.filter(conference_id=conference_id, type="registration", is_bot__in=[False])
    days = [day for day in of_conference.order_by().values_list("local_date", flat=True).distinct() if day]
    for start in range(0, len(ids), _REGISTRATIONS_AT_ONCE):
        with transaction.atomic():
            lock_conferences([conference_id])
            events = of_conference.filter(
                Q(local_date__in=days) | Q(local_date__isnull=True),
                subject__in=ids[start : start + _REGISTRATIONS_AT_ONCE],
            )
            deriving.derive(read_facts([to_row(event) for event in events], is_complete=True))
    deriving.settle([conference_id])
    return len(ids)


def _minted_claims(conference_id: str) -> list[Claim]:
    links = ShareLink.objects.filter(conference_id=conference_id, is_minted=True)
    return [
        Claim(
            row.link_key, (row.ms, row.id.rpartition("/")[0]), row.received_ms, row.sharer, row.parent_key,
            row.channel, row.target_url, row.label, row.is_minted,
        )
        for row in ShareClaim.objects.filter(link_key__in=links.values("id"), is_minted=True)
    ]  # fmt: skip


def _note_days(conference_id: str) -> None:
    """Note the days of all shares and share conversions, because the rebuild may change them."""
    conversions = ShareConversion.objects.filter(conference_id=conference_id)
    links = ShareLink.objects.filter(conference_id=conference_id)
    instants = {
        deriving.quarter_of(ms)
        for found in (
            conversions.values_list("registered_ms", flat=True),
            links.filter(shared_ms__isnull=False).values_list("shared_ms", flat=True),
        )
        for ms in found.iterator()
        if ms is not None  # None: minted but not shared
    }
    bulk.insert(DirtyDayOutbox, ("conference_id", "ms"), [(conference_id, ms) for ms in instants])


def _apply(rows: list[EventRow]) -> None:
    deriving.derive(read_facts(rows))


def _delete_all(conference_id: str) -> None:
    conversions = ShareConversion.objects.filter(conference_id=conference_id)
    registrations = ShareRegistration.objects.filter(conference_id=conference_id)
    Credit.objects.filter(conversion__in=conversions).delete()
    NotCredited.objects.filter(registration__in=registrations).delete()
    claims_of([conference_id]).delete()
    conversions.delete()
    registrations.delete()
    for model in (StaleRegistration, PendingTotal):
        model._default_manager.filter(conference_id=conference_id).delete()
    standings_of([conference_id]).delete()
    opens_of([conference_id]).delete()
    ShareLink.objects.filter(conference_id=conference_id).delete()
    delete_sums([conference_id])
