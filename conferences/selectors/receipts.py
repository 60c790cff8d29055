"""Looking up the registrations behind the receipts of the public form."""

from collections.abc import Collection

from conferences.models import RegistrationReceipt

_RECEIPTS_AT_ONCE = 500


def resolve_receipts(receipts: Collection[str]) -> dict[str, str]:
    """Return a mapping of receipt → registration id without unknown receipts. One query per 500 receipts."""
    # Clients can send anything as a receipt, and PostgreSQL rejects NUL.
    wanted = [receipt for receipt in receipts if "\0" not in receipt]
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _RECEIPTS_AT_ONCE):
        some = RegistrationReceipt.objects.filter(receipt__in=wanted[start : start + _RECEIPTS_AT_ONCE])
        found.update(some.values_list("receipt", "registration_id"))
    return found
