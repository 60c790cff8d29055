"""Counting registrations and check-ins: what was undone, and whom to believe.

The catalogue counts distinct registrations. Two things make that wrong: a check-in that was undone, and a
conference that does not trust what clients report. docs/adr/0010 says why this is told by the events.
"""

import datetime as dt

from django.db.models import Count, QuerySet

from analytics.event_types import OWN_PREFIX, is_own
from analytics.models import Event
from conferences.models import Conference

TYPES = frozenset({"registration", "checkin", "checkin_undone"})


def trusts_clients(conference_id: str) -> bool:
    """Whether the conference counts registrations and check-ins that clients report."""
    trusts = Conference.objects.filter(id=conference_id).values_list("trust_client_registrations", flat=True)
    return trusts.first() is not False


def correct(conference_id: str, first: dt.date, last: dt.date) -> dict[str, int]:
    """The figures `registrations` and `checkins` of the local days from `first` to `last`, both included,
    as far as they differ from counting distinct subjects."""
    trusting = trusts_clients(conference_id)
    events = Event.objects.filter(
        conference_id=conference_id, local_date__gte=first, local_date__lte=last, is_bot=False
    ).order_by()
    undone = set(events.filter(type="checkin_undone").values_list("subject", flat=True))
    corrected: dict[str, int] = {}
    if not trusting:
        facts = events.filter(type="registration", event_id__startswith=OWN_PREFIX)
        # Grouped, though it is one type: without groups, MongoDB cannot count the distinct of no rows.
        groups = facts.values("type").annotate(number=Count("subject", distinct=True))
        corrected["registrations"] = sum(group["number"] for group in groups)
    if undone or not trusting:
        corrected["checkins"] = _count_check_ins(
            events.filter(type="checkin").values_list("event_id", "subject"), undone, trusting=trusting
        )
    return corrected


def _count_check_ins(check_ins: QuerySet[Event, tuple[str, str]], undone: set[str], *, trusting: bool) -> int:
    """Attendees with a check-in that stands. What clients report counts for those of whom the server knows
    no check-in at all: for the others, an undone one included, it knows better."""
    known: set[str] = set()
    standing: set[str] = set()
    reported: set[str] = set()
    for event_id, subject in check_ins.iterator():
        if not is_own(event_id):
            reported.add(subject)
            continue
        known.add(subject)
        if event_id not in undone:
            standing.add(subject)
    return len(standing | (reported - known)) if trusting else len(standing)
