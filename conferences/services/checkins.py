"""Checking attendees in, and undoing it."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from conferences import badges, contact, signals
from conferences.models import CheckIn, Passage, Registration
from conferences.services.announce import after_commit

_ENTRIES_AT_ONCE = 100  # of a signal


@dataclass(frozen=True)
class CheckedIn:
    """The result of a check-in.

    created: False if the attendee was already checked in; `check_in` is then the first one.
    passage: the entry that this scan is.
    """

    check_in: CheckIn
    created: bool
    passage: Passage


def check_in(
    registration_id: str,
    *,
    by: User | None,
    method: str = "manual",
    gate: str = "",
    scanned_at: dt.datetime | None = None,
    now: dt.datetime | None = None,
) -> CheckedIn:
    """Check an attendee in once, however many scanners scan at the same time.

    method: how, e.g. "qr". gate: the place or the device. scanned_at: the time of the scan by the server's
    clock (`correct_clock`), for a scanner that was offline; the default is now. The earlier of two scans is
    the check-in. If it arrives second, it supersedes the other, which is undone. So the result does not
    depend on which scanner came online first.

    Raises ValidationError for a bad method or gate, and RefusedError: `not_approved` (with the state) or
    `registration_cancelled`.
    """
    method = contact.clean_line(method, most=32) or "manual"
    gate = contact.clean_line(gate, most=100)
    now = now or timezone.now()
    with transaction.atomic():
        locked = Registration.objects.select_for_update(of=("self",)).select_related("conference")
        registration = locked.get(id=registration_id)
        moment = time_of_scan(registration, scanned_at, now=now)
        made = CheckIn(
            registration=registration, method=method, gate=gate, checked_in_at=moment, recorded_at=now,
            checked_in_by=by,
        )  # fmt: skip
        passage = Passage(
            registration=registration, direction=Passage.Direction.IN, gate=gate, passed_at=moment,
            recorded_at=now, scanned_by=by,
        )  # fmt: skip
        active = _find_active(registration)
        if active is not None and (scanned_at is None or active.checked_in_at <= moment):
            _enter(passage)
            return CheckedIn(active, False, passage)
        badges.check_admissible(registration)
        if active is not None:
            _undo(active, by=by, now=now)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            # The lock keeps others out. The constraint also works on a database without row locks.
            active = _find_active(registration)
            if active is None:
                raise
            _enter(passage)
            return CheckedIn(active, False, passage)
        if active is not None:
            active.superseded_by = made
            active.save(update_fields=["superseded_by"])
        passage.check_in = made
        _enter(passage)
        after_commit(signals.checked_in, CheckIn, check_in=made)
    return CheckedIn(made, True, passage)


def time_of_scan(
    registration: Registration, scanned_at: dt.datetime | None, *, now: dt.datetime
) -> dt.datetime:
    """Return when a scan happened: no later than now. One before the registration means a wrong clock."""
    return now if scanned_at is None else max(min(scanned_at, now), registration.registered_at)


def correct_clock(scanned_at: dt.datetime, *, sent_at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Return the time of a scan by the server's clock: `now - (sent_at - scanned_at)`, but no later than now.

    All three are instants. sent_at: the scanner's clock when it sent the request; without it, the scanner's
    clock is assumed to be right. The same rule applies to `ts` of events (docs/definitions.md, "event time").
    Times thousands of years apart say nothing: the scan was now.
    """
    try:
        return min(now, scanned_at if sent_at is None else now - (sent_at - scanned_at))
    except OverflowError:
        return now


def undo_check_in(check_in_id: str, *, by: User | None, now: dt.datetime | None = None) -> CheckIn:
    """Undo a check-in. Undoing it again changes nothing.

    The row keeps its times but no longer counts, so the attendee can be checked in again. Neither do the
    attendee's passages: somebody who did not come in did not go out either.
    """
    with transaction.atomic():
        found = (
            CheckIn.objects.select_for_update(of=("self",))
            .select_related("registration__conference")
            .get(id=check_in_id)
        )
        if found.undone_at is None:
            now = now or timezone.now()
            _undo(found, by=by, now=now)
            undo_passages(found.registration, found.registration.passages.all(), now=now)
    return found


def undo_passages(registration: Registration, passages: QuerySet[Passage], *, now: dt.datetime) -> None:
    """Undo those of an attendee's passages that are not undone yet, in the caller's transaction."""
    undone = list(passages.filter(undone_at=None).select_for_update())
    Passage.objects.filter(pk__in=[passage.pk for passage in undone]).update(undone_at=now)
    entries = [passage for passage in undone if passage.direction == Passage.Direction.IN]
    for passage in undone:
        passage.registration, passage.undone_at = registration, now
    for start in range(0, len(entries), _ENTRIES_AT_ONCE):
        some = entries[start : start + _ENTRIES_AT_ONCE]
        after_commit(signals.entries_undone, Passage, passages=some)


def _enter(passage: Passage) -> None:
    passage.save(force_insert=True)
    after_commit(signals.entered, Passage, passage=passage)


def _find_active(registration: Registration) -> CheckIn | None:
    found = CheckIn.objects.select_related("registration", "checked_in_by")
    return found.filter(registration=registration, undone_at=None).first()


def _undo(found: CheckIn, *, by: User | None, now: dt.datetime) -> None:
    found.undone_at = now
    found.undone_by = by
    found.save(update_fields=["undone_at", "undone_by"])
    after_commit(signals.checkin_undone, CheckIn, check_in=found)
