"""Scans at the desk: entries and exits, and what each of them means."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from conferences import badges, contact
from conferences.models import Passage, Registration
from conferences.services.checkins import check_in, time_of_scan, undo_check_in, undo_passages

Direction = Passage.Direction


class Outcome(StrEnum):
    """welcome: came in. already: was inside. goodbye: went out. not_inside: went out without being inside."""

    WELCOME = "welcome"
    ALREADY = "already"
    GOODBYE = "goodbye"
    NOT_INSIDE = "not_inside"


@dataclass(frozen=True)
class Scanned:
    """The result of a scan. since: of somebody who is in already, the entry that let them in."""

    outcome: Outcome
    passage: Passage
    since: Passage | None = None


def scan(
    registration_id: str,
    *,
    direction: str,
    by: User | None,
    method: str = "desk",
    gate: str = "",
    scanned_at: dt.datetime | None = None,
    now: dt.datetime | None = None,
) -> Scanned:
    """Record that an attendee passes the door. The first entry checks them in (`check_in`).

    scanned_at: the time of the scan by the server's clock; None for now. Raises ValidationError for a bad
    method or gate, and RefusedError: `not_approved` (with the state) or `registration_cancelled`.
    """
    now = now or timezone.now()
    with transaction.atomic():
        if direction == Direction.OUT:
            return _leave(registration_id, by=by, gate=gate, scanned_at=scanned_at, now=now)
        entered = check_in(registration_id, by=by, method=method, gate=gate, scanned_at=scanned_at, now=now)
        if entered.created:
            return Scanned(Outcome.WELCOME, entered.passage)
        since = _find_entry_before(entered.passage)
        return Scanned(Outcome.ALREADY if since else Outcome.WELCOME, entered.passage, since)


def _leave(
    registration_id: str, *, by: User | None, gate: str, scanned_at: dt.datetime | None, now: dt.datetime
) -> Scanned:
    registration = (
        Registration.objects.select_for_update(of=("self",))
        .select_related("conference")
        .get(id=registration_id)
    )
    badges.check_admissible(registration)
    made = Passage(
        registration=registration, direction=Direction.OUT, gate=contact.clean_line(gate, most=100),
        passed_at=time_of_scan(registration, scanned_at, now=now), recorded_at=now, scanned_by=by,
    )  # fmt: skip
    made.save(force_insert=True)
    was_inside = _find_entry_before(made) is not None
    return Scanned(Outcome.GOODBYE if was_inside else Outcome.NOT_INSIDE, made)


def _find_entry_before(passage: Passage) -> Passage | None:
    """Return the entry since which the attendee was inside when they passed; None if they were not.

    Whoever did not go out on a day is not inside on the next.
    """
    before = passage.registration.passages.filter(undone_at=None, passed_at__lte=passage.passed_at)
    before = before.exclude(pk=passage.pk).select_related("scanned_by").order_by("-passed_at", "-id")
    zone = zoneinfo.ZoneInfo(passage.registration.conference.time_zone)
    day = passage.passed_at.astimezone(zone).date()
    since = None
    for earlier in before[:20]:
        if earlier.direction == Direction.OUT or earlier.passed_at.astimezone(zone).date() != day:
            break
        since = earlier
    return since


def undo_passage(passage_id: str, *, by: User | None, now: dt.datetime | None = None) -> Passage:
    """Undo a scan, and the check-in that it made. Undoing it again changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        found = (
            Passage.objects.select_for_update(of=("self",)).select_related("registration").get(id=passage_id)
        )
        undo_passages(found.registration, Passage.objects.filter(pk=found.pk), now=now)
        if found.check_in_id is not None:
            undo_check_in(found.check_in_id, by=by, now=now)
        found.refresh_from_db(fields=["undone_at"])
    return found
