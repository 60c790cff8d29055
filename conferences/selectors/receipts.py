"""Looking up the registrations behind the receipts of the public form."""

from collections.abc import Collection

from conferences.models import RegistrationReceipt

_RECEIPTS_AT_ONCE = 500


def resolve_receipts(receipts: Collection[str]) -> dict[tuple[str, str], str]:
    """Return a mapping of conference and receipt → registration id, without unknown receipts.

    One query per 500 receipts.
    """
    # Clients can send anything as a receipt, and PostgreSQL rejects NUL.
    wanted = [receipt for receipt in receipts if "\0" not in receipt]
    found: dict[tuple[str, str], str] = {}
    for start in range(0, len(wanted), _RECEIPTS_AT_ONCE):
        some = RegistrationReceipt.objects.filter(receipt__in=wanted[start : start + _RECEIPTS_AT_ONCE])
        rows = some.values_list("registration__conference_id", "receipt", "registration_id")
        found.update(((conference_id, receipt), id) for conference_id, receipt, id in rows)
    return found
