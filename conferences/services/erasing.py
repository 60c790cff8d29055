"""Erasing a person: their registration with everything that belongs to it, or their visitor id everywhere."""

import secrets

from django.db import transaction
from django.utils import timezone

from conferences import signals
from conferences.models import ErasedVisitor, Registration
from conferences.selectors.erased import find_replacement, load_replacements
from conferences.services.announce import after_commit
from conferences.services.exporting import delete_results
from conferences.services.jobs import forget_previews_of
from conferences.services.places import lock_places_of, promote_waiting


def erase_registration(registration_id: str) -> None:
    """Delete a registration with its check-ins and receipts, and let the other apps erase its person.

    The same transaction deletes messages to the person. Afterwards a random id replaces the visitor id in
    events and in the share tree. Figures do not change: the fact that somebody registered and came is not
    personal data. A freed place goes to the waiting list.
    """
    with transaction.atomic():
        lock_places_of(registration_id)
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        visitor_id, conference = registration.visitor_id, registration.conference
        stood = registration.stands
        signals.registration_erasing.send(sender=Registration, registration=registration)
        registration.check_ins.update(superseded_by=None)
        registration.delete()
        forget_previews_of(conference)
        transaction.on_commit(lambda: delete_results(conference.id), robust=True)
        if visitor_id:
            # Recorded now, so that the erasure holds even if the process dies right after the commit.
            note_erased(conference.id, visitor_id)
            after_commit(signals.visitor_erased, Registration, conference=conference, visitor_id=visitor_id)
        if stood and conference.capacity is not None:
            promote_waiting(conference.id, now=timezone.now())


def note_erased(conference_id: str, visitor_id: str) -> str:
    """Record that a visitor is erased. Returns the random id that replaces theirs, the same one each time."""
    known = load_replacements([conference_id]).get(conference_id, {})
    replacement = find_replacement(known, conference_id, visitor_id)
    if replacement is None:
        noted, _ = ErasedVisitor.objects.get_or_create(
            digest=ErasedVisitor.digests(conference_id, visitor_id)[0],
            defaults={"conference_id": conference_id, "replacement": f"erased:{secrets.token_hex(12)}"},
        )
        replacement = noted.replacement
    return replacement


def erase_in_registrations(conference_id: str, visitor_id: str, replacement: str) -> int:
    """Replace the visitor's id in registrations. Returns the number of changed registrations."""
    return Registration.objects.filter(conference_id=conference_id, visitor_id=visitor_id).update(
        visitor_id=replacement
    )
