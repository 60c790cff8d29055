"""Check-ins: through the door, and back."""

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
    scanned_at: dt.datetime | None = None,
    now: dt.datetime | None = None,
) -> CheckedIn:
    """Check an attendee in, once: of any number of scanners at the same time, one makes the check-in.

    method: how, e.g. "qr". gate: where, or with what device. scanned_at: when, by the server's clock
    (`correct_clock`), where a scanner was offline; now, unless it is given. Of two scans the earlier one is
    the check-in: one that arrives later supersedes the other, which is undone, so that the end state does
    not depend on which scanner came online first.

    Raises ValidationError for method and gate, and RefusedError: `not_approved` (with the state) or
    `registration_cancelled`.
    """
    method = contact.clean_line(method, most=32) or "manual"
    gate = contact.clean_line(gate, most=100)
    now = now or timezone.now()
    with transaction.atomic():
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        moment = now
        if scanned_at is not None:  # nobody comes in before they are registered, whatever a wrong clock says
            moment = max(min(scanned_at, now), registration.registered_at)
        made = CheckIn(
            registration=registration, method=method, gate=gate, checked_in_at=moment, recorded_at=now,
            checked_in_by=by,
        )  # fmt: skip
        active = _find_active(registration)
        if active is not None and (scanned_at is None or active.checked_in_at <= moment):
            return CheckedIn(active, created=False)
        badges.check_admissible(registration)
        if active is not None:
            _undo(active, by=by, now=now)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            # The lock keeps others out; the constraint holds even where a database has no row locks.
            active = _find_active(registration)
            if active is None:
                raise
            return CheckedIn(active, created=False)
        if active is not None:
            active.superseded_by = made
            active.save(update_fields=["superseded_by"])
        after_commit(signals.checked_in, CheckIn, check_in=made)
    return CheckedIn(made, created=True)


def correct_clock(scanned_at: dt.datetime, *, sent_at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """When a scan happened by the server's clock: `now - (sent_at - scanned_at)`, and never later than now.

    All three are instants; sent_at: the scanner's clock when it sent the request. Without it the scanner's
    clock is taken to be right. The same rule as for `ts` of events (docs/definitions.md, "event time").
    """
    return min(now, scanned_at if sent_at is None else now - (sent_at - scanned_at))


def undo_check_in(check_in_id: str, *, by: User | None, now: dt.datetime | None = None) -> CheckIn:
    """Undo a check-in; one that is undone already stays as it is.

    The row stays with its times, and no longer counts: the attendee can be checked in again.
    """
    with transaction.atomic():
        found = (
            CheckIn.objects.select_for_update(of=("self",))
            .select_related("registration__conference")
            .get(id=check_in_id)
        )
        if found.undone_at is None:
            _undo(found, by=by, now=now or timezone.now())
    return found


def _find_active(registration: Registration) -> CheckIn | None:
    found = CheckIn.objects.select_related("registration", "checked_in_by")
    return found.filter(registration=registration, undone_at=None).first()


def _undo(found: CheckIn, *, by: User | None, now: dt.datetime) -> None:
    found.undone_at = now
    found.undone_by = by
    found.save(update_fields=["undone_at", "undone_by"])
    after_commit(signals.checkin_undone, CheckIn, check_in=found)
