"""Through the door, and back: check-ins."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from conferences import badges, contact, signals
from conferences.models import CheckIn, Registration
from conferences.services.announce import after_commit


@dataclass(frozen=True)
class CheckedIn:
    """created: False where the attendee was checked in already; `check_in` is then the first one."""

    check_in: CheckIn
    created: bool


def check_in(
    registration_id: str,
    *,
    by: User | None,
    method: str = "manual",
    gate: str = "",
    now: dt.datetime | None = None,
) -> CheckedIn:
    """Check an attendee in, once: of any number of scanners at the same time, one makes the check-in.

    method: how, e.g. "qr". gate: where, or with what device. Raises ValidationError for those, and
    RefusedError: `not_approved` (with the state) or `registration_cancelled`.
    """
    method = contact.clean_line(method, most=32) or "manual"
    gate = contact.clean_line(gate, most=100)
    with transaction.atomic():
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        active = CheckIn.objects.select_related("registration").filter(
            registration=registration, undone_at=None
        )
        first = active.first()
        if first is not None:
            return CheckedIn(first, created=False)
        badges.check_admissible(registration)
        made = CheckIn(
            registration=registration,
            method=method,
            gate=gate,
            checked_in_at=now or timezone.now(),
            checked_in_by=by,
        )
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            # The lock keeps others out; the constraint holds even where a database has no row locks.
            first = active.first()
            if first is None:
                raise
            return CheckedIn(first, created=False)
        after_commit(signals.checked_in, CheckIn, check_in=made)
    return CheckedIn(made, created=True)


def undo_check_in(check_in_id: str, *, by: User | None, now: dt.datetime | None = None) -> CheckIn:
    """Take a check-in back; one that was taken back already stays as it is.

    The row stays with its times, and no longer counts: the attendee may be checked in anew.
    """
    with transaction.atomic():
        found = (
            CheckIn.objects.select_for_update(of=("self",))
            .select_related("registration__conference")
            .get(id=check_in_id)
        )
        if found.undone_at is not None:
            return found
        found.undone_at = now or timezone.now()
        found.undone_by = by
        found.save(update_fields=["undone_at", "undone_by"])
        after_commit(signals.checkin_undone, CheckIn, check_in=found)
    return found
