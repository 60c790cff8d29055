"""Queries for erased visitors."""

from collections.abc import Collection

from conferences.models import ErasedVisitor

_IDS_AT_ONCE = 500


def load_replacements(conference_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return a mapping: conference id → digest of a visitor who was erased there → replacement id.

    It omits conferences without erased visitors, which are nearly all. It takes one query, unless there are
    hundreds of conferences.
    """
    ids = list(conference_ids)
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        erased = ErasedVisitor.objects.filter(conference_id__in=ids[start : start + _IDS_AT_ONCE])
        for conference_id, digest, replacement in erased.values_list(
            "conference_id", "digest", "replacement"
        ):
            found.setdefault(conference_id, {})[digest] = replacement
    return found


def find_replacement(known: dict[str, str], conference_id: str, visitor_id: str) -> str | None:
    """Return the replacement of a visitor's id, or None if they were not erased.

    known: the replacements of that conference.
    """
    digests = ErasedVisitor.digests(conference_id, visitor_id)
    return next((known[digest] for digest in digests if digest in known), None)


def is_replacement(conference_id: str, visitor_id: str) -> bool:
    """Whether the id is the replacement of an erased visitor's id."""
    return ErasedVisitor.objects.filter(conference_id=conference_id, replacement=visitor_id).exists()
