"""Queries for erased visitors."""

from collections.abc import Collection

from conferences.models import ErasedVisitor
from meeteasy.core import statements


def load_replacements(conference_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return a mapping: conference id → digest of a visitor who was erased there → replacement id.

    It omits conferences without erased visitors, which are nearly all. It takes one query.
    """
    found: dict[str, dict[str, str]] = {}
    for conference_id, digest, replacement in statements.select(
        ErasedVisitor, ("conference_id", "digest", "replacement"), key="conference_id", among=conference_ids
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
