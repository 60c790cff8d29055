"""SEQUENCE of calendar entries (RFC 5545 §3.8.7.4): it goes up whenever the entry's facts change."""

import hashlib

import msgspec
from django.db.models import F

from conferences.models import Conference
from notifications.models import CalendarRevision


def hash_facts(conference: Conference) -> str:
    """Return the SHA-256 of a calendar entry's facts: name, place, times, and whether it is cancelled."""
    facts = [
        conference.name,
        conference.venue,
        conference.time_zone,
        conference.starts_at and conference.starts_at.timestamp(),
        conference.ends_at and conference.ends_at.timestamp(),
        conference.cancelled_at is not None,
    ]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def read_sequence(conference: Conference) -> int:
    """Return the entry's current SEQUENCE. A change counts once, even if several workers ask at once."""
    facts_sha256 = hash_facts(conference)
    revision, _created = CalendarRevision.objects.get_or_create(
        conference_id=conference.id, defaults={"facts_sha256": facts_sha256}
    )
    if revision.facts_sha256 == facts_sha256:
        return revision.sequence
    CalendarRevision.objects.filter(conference_id=conference.id, facts_sha256=revision.facts_sha256).update(
        facts_sha256=facts_sha256, sequence=F("sequence") + 1
    )
    return CalendarRevision.objects.values_list("sequence", flat=True).get(conference_id=conference.id)
