"""Check-in reminders: who is due is found from the conferences' settings at every tick, never planned ahead.

So a conference that is moved, or a changed setting, needs nothing to be undone. Each reminder (so many
hours before, over one channel) of a conference is worked off once, and then noted as done: whoever
registers or is approved after its time has just had a message, and gets the next reminder only.
"""

import datetime as dt
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from conferences.models import CheckIn, Conference, Registration
from meeteasy.core.logs import get_logger
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification, ReminderRound
from notifications.services import outbox

log = get_logger(__name__)
_ROWS_AT_ONCE = 500


def plan_reminders(channel: str) -> int:
    """Write the reminders that are due over `channel`. Returns how many. The sweeper rings for them."""
    now = timezone.now()
    made = 0
    for conference in Conference.objects.filter(starts_at__gt=now).exclude(reminder_hours_before=[]):
        due = _latest_due(conference, now)
        if due is None:
            continue
        about: dict[str, Any] = {
            "conference_id": conference.id, "channel": channel, "hours_before": due,
            "starts_at": conference.starts_at,
        }  # fmt: skip
        if ReminderRound.objects.filter(**about).exists():
            continue
        made += _remind(conference, channel, due, now)
        # Only now: after a crash in between, the rest is made up for, and dedupe keys hold back the others.
        ReminderRound.objects.get_or_create(**about)
    return made


def _latest_due(conference: Conference, now: dt.datetime) -> int | None:
    """Of the reminders whose time has come, the last: after an outage nobody gets several at once."""
    assert conference.starts_at is not None
    due = [
        hours
        for hours in conference.reminder_hours_before
        if conference.starts_at - dt.timedelta(hours=hours) <= now
    ]
    return min(due, default=None)


def _remind(conference: Conference, channel: str, hours: int, now: dt.datetime) -> int:
    message_type = MESSAGE_TYPES["checkin_reminder"]
    if channel not in message_type.channels:
        return 0
    assert conference.starts_at is not None
    due_at = conference.starts_at - dt.timedelta(hours=hours)
    checked_in = CheckIn.objects.filter(registration=OuterRef("pk"), undone_at=None)
    registrations = Registration.objects.filter(
        Q(decided_at=None) | Q(decided_at__lte=due_at),
        ~Exists(checked_in),
        conference=conference,
        state=Registration.State.APPROVED,
        registered_at__lte=due_at,
    ).order_by("pk")
    made = 0
    drafts: list[Notification] = []
    for registration in registrations.iterator(chunk_size=_ROWS_AT_ONCE):
        registration.conference = conference
        draft = outbox.make_draft(
            registration,
            message_type=message_type,
            channel=channel,
            about=f"{hours}h:{int(conference.starts_at.timestamp())}",
            now=now,
            hours_before=hours,
        )
        if draft is not None:
            draft.rung_at = None  # the sweeper rings
            drafts.append(draft)
        if len(drafts) == _ROWS_AT_ONCE:
            made += _store(drafts)
            drafts = []
    made += _store(drafts)
    log.info("reminders_written", conference=conference.id, channel=channel, hours_before=hours, rows=made)
    return made


def _store(drafts: list[Notification]) -> int:
    Notification.objects.bulk_create(drafts, ignore_conflicts=True)
    return len(drafts)
