"""Announcing to all registrants that a conference moved or is cancelled.

An announcement is one row. The sweeper writes its messages in slices, so requests are short however many
people are registered, and work resumes where a crash interrupted it.
"""

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from conferences.models import Conference, Registration
from conferences.services import cancel_conference, reinstate_conference
from meeteasy.core.errors import RefusedError
from meeteasy.core.logs import get_logger
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Announcement, Notification
from notifications.services import outbox
from notifications.services.revising import hash_facts

log = get_logger(__name__)

_MESSAGE_TYPES = {
    Announcement.Kind.MOVED: "conference_moved",
    Announcement.Kind.CANCELLED: "conference_cancelled",
}
_ROWS_AT_ONCE = 500
_BUDGET_SECONDS = 20


@dataclass(frozen=True)
class Announced:
    """The outcome of `announce`. created: False if the same facts were already announced."""

    announcement: Announcement
    created: bool


def announce(conference: Conference, kind: str, *, by: Any, now: dt.datetime | None = None) -> Announced:
    """Announce the conference's facts to all registrants. Repeating the same facts does nothing.

    Announcing that a conference is cancelled cancels it, and announcing a move takes that back. Raises
    RefusedError `no_date` for a move without a date.
    """
    kind = Announcement.Kind(kind)
    if kind == Announcement.Kind.MOVED and conference.starts_at is None:
        raise RefusedError("no_date", "The conference has no date that could be announced.")
    with transaction.atomic():
        # The lock allows one at a time per conference, so that two clicks make one announcement.
        Conference.objects.select_for_update().get(pk=conference.pk)
        if kind == Announcement.Kind.CANCELLED:
            cancel_conference(conference, by=by, now=now)
        else:
            reinstate_conference(conference, by=by)
        latest = Announcement.objects.filter(conference_id=conference.id).first()
        if latest is not None and latest.kind == kind and latest.facts_sha256 == hash_facts(conference):
            return Announced(latest, created=False)
        made = Announcement(
            conference_id=conference.id, kind=kind, created_at=now or timezone.now(),
            created_by=str(by)[:150], facts_sha256=hash_facts(conference),
        )  # fmt: skip
        made.save(force_insert=True)
    log.info("announced", conference=conference.id, kind=str(kind), by=str(by))
    return Announced(made, created=True)


def write_announced_messages() -> int:
    """Write messages of unfinished announcements for a few seconds. Returns the number of messages."""
    stop_at, made = time.monotonic() + _BUDGET_SECONDS, 0
    for announcement in Announcement.objects.filter(finished_at=None).order_by("id"):
        while time.monotonic() < stop_at:
            written = _write_slice(announcement)
            if written is None:
                break
            made += written
    return made


def _write_slice(announcement: Announcement) -> int | None:
    """Write messages to the next registrations. Returns None when all have theirs.

    Dedupe keys prevent duplicates after a crash or beside another worker.
    """
    message_type = MESSAGE_TYPES[_MESSAGE_TYPES[Announcement.Kind(announcement.kind)]]
    registrations = list(
        Registration.objects.select_related("conference")
        .filter(
            conference_id=announcement.conference_id,
            id__gt=announcement.position,
            state__in=message_type.states,
        )
        .order_by("id")[:_ROWS_AT_ONCE]
    )
    same = Announcement.objects.filter(pk=announcement.pk)
    if not registrations:
        same.update(finished_at=timezone.now())
        return None
    drafts = []
    for registration in registrations:
        draft = outbox.make_draft(
            registration,
            message_type=message_type,
            channel="email",
            about=announcement.id.hex,
            announcement=str(announcement.id),
        )
        if draft is not None:
            draft.rung_at = None  # the sweeper queues it
            drafts.append(draft)
    with transaction.atomic():
        Notification.objects.bulk_create(drafts, ignore_conflicts=True)
        announcement.position = registrations[-1].id
        announcement.written += len(drafts)
        same.update(position=announcement.position, written=announcement.written)
    return len(drafts)
