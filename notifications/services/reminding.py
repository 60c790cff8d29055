"""Check-in reminders. Each tick finds due attendees from the conferences' settings; nothing is precomputed.

So nothing needs to be undone when a conference moves or a setting changes. Each reminder of a conference (a
number of hours before the start, over one channel) is written once and then recorded as done. People who
register or are approved after its time have just had a message, so they only get the next reminder.
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
    """Write the due reminders for `channel`. Returns their number. The sweeper queues them."""
    now = timezone.now()
    made = 0
    upcoming = Conference.objects.filter(starts_at__gt=now, cancelled_at=None)
    for conference in upcoming.exclude(reminder_hours_before=[]):
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
        # Recorded last: after a crash in between, the next tick writes the rest, and dedupe keys prevent
        # duplicates.
        ReminderRound.objects.get_or_create(**about)
    return made


def _latest_due(conference: Conference, now: dt.datetime) -> int | None:
    """Return the latest due reminder only, so that attendees do not get several at once after an outage."""
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
            starts_at=conference.starts_at.isoformat(),
        )
        if draft is not None:
            draft.rung_at = None  # the sweeper queues it
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
