"""From the receipts that the public form gave out to the registrations that they stand for."""

from collections.abc import Collection

from conferences.models import RegistrationReceipt

_RECEIPTS_AT_ONCE = 500


def resolve_receipts(receipts: Collection[str]) -> dict[str, str]:
    """Receipt → registration id; unknown receipts are left out. One query per 500 receipts."""
    # Whoever sends events may claim anything as a receipt; PostgreSQL refuses to compare a NUL.
    wanted = [receipt for receipt in receipts if "\0" not in receipt]
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _RECEIPTS_AT_ONCE):
        some = RegistrationReceipt.objects.filter(receipt__in=wanted[start : start + _RECEIPTS_AT_ONCE])
        found.update(some.values_list("receipt", "registration_id"))
    return found
