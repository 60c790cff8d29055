"""What a participant learns of their own sharing: numbers, no names."""

from sharing.derivation.facts import known_as
from sharing.models import CreditSum, ShareLink
from sharing.rules.codes import code_of, public_code


def get_own_sharing(conference_id: str, visitor_id: str) -> tuple[str, int]:
    """Return the code of a visitor's first link ("" for none), and the registrations credited to them."""
    if not visitor_id:
        return "", 0
    sharer = known_as(visitor_id)
    link = ShareLink.objects.filter(conference_id=conference_id, sharer=sharer).order_by("id").first()
    brought = (
        CreditSum.objects.filter(conference_id=conference_id, kind=CreditSum.Kind.SHARER, name=sharer)
        .values_list("registrations", flat=True)
        .first()
    )
    return (public_code(conference_id, code_of(link.id)) if link else ""), brought or 0
