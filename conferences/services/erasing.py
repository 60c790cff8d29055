"""Erasing a visitor: noting it for all who store visitors' ids, and doing so for the registrations."""

import secrets

from conferences.models import ErasedVisitor, Registration
from conferences.selectors.erased import find_replacement, load_replacements


def note_erased(conference_id: str, visitor_id: str) -> str:
    """Note that this visitor is erased. Returns the random id that stands in their place from now on; it is
    the same each time."""
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
    """Returns how many registrations changed. The person's other data goes with the registration itself."""
    return Registration.objects.filter(conference_id=conference_id, visitor_id=visitor_id).update(
        visitor_id=replacement
    )
