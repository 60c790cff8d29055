"""Writing to the outbox: creating, resending and aborting notifications."""

import datetime as dt
import zoneinfo
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from conferences.models import Conference, Registration
from meeteasy.core.logs import get_logger
from notifications import quiet_hours
from notifications.channels import CHANNELS
from notifications.message_types import MESSAGE_TYPES, MessageType
from notifications.models import Notification
from notifications.rendering import pick_language
from notifications.services.draining import ring_bell

log = get_logger(__name__)
Status = Notification.Status

RESENDABLE = [
    Status.SENT,
    Status.DELIVERED,
    Status.BOUNCED,
    Status.FAILED,
    Status.SUPPRESSED,
    Status.UNKNOWN,
]
# A mailbox would hide a second copy of a mail that has arrived.
_NEW_MESSAGE_ID = [Status.SENT, Status.DELIVERED]


class WrongStatusError(Exception):
    """The notification's status does not allow this."""

    def __init__(self, notification_id: Any, wanted: str) -> None:
        super().__init__(f"{notification_id} cannot be {wanted} in its present state")


def notify_of_change(registration: Registration, *, previous: str | None) -> list[Notification]:
    """Write the messages about a new registration (previous: None) or its new state.

    Call it in the transaction of the change, so that both are committed or neither. A state that a person
    comes to again, having registered again, has messages of its own.
    """
    about = registration.decided_at.isoformat() if registration.decided_at else ""
    made = []
    for message_type in MESSAGE_TYPES.values():
        if message_type.follows(previous, registration.state):
            for channel in message_type.channels:
                made += create(
                    registration, message_type=message_type, channel=channel, about=about,
                    is_first=previous is None,
                )  # fmt: skip
    return made


def notify_of_repetition(registration: Registration, *, now: dt.datetime) -> list[Notification]:
    """Notify a registered person that the form was submitted again, at most once a day.

    now: determines the day, in the conference's zone.
    """
    zone = zoneinfo.ZoneInfo(registration.conference.time_zone)
    return create(
        registration,
        message_type=MESSAGE_TYPES["already_registered"],
        channel="email",
        about=now.astimezone(zone).date().isoformat(),
        now=now,
    )


def create(
    registration: Registration,
    *,
    message_type: MessageType,
    channel: str,
    about: str = "",
    is_first: bool = False,
    now: dt.datetime | None = None,
    **facts: Any,
) -> list[Notification]:
    """Write one message to one attendee and queue it after commit.

    about: distinguishes messages of this type to the same person. is_first: the registration is created in
    this transaction, so it has no messages yet. facts: the message's data besides the registration and the
    conference, as JSON. Returns the new row in a list. The list is empty if there is no address for the
    channel or the message already exists.
    """
    draft = make_draft(
        registration, message_type=message_type, channel=channel, about=about, now=now, **facts
    )
    if draft is None:
        return []
    try:
        # The constraint detects an existing message. Without a savepoint, PostgreSQL would abort the whole
        # transaction.
        with transaction.atomic(savepoint=not is_first):
            draft.save(force_insert=True)
    except IntegrityError:
        if is_first or not Notification.objects.filter(dedupe_key=draft.dedupe_key).exists():
            raise
        return []
    transaction.on_commit(lambda: ring_for([draft]), robust=True)
    return [draft]


def make_draft(
    registration: Registration,
    *,
    message_type: MessageType,
    channel: str,
    about: str = "",
    now: dt.datetime | None = None,
    **facts: Any,
) -> Notification | None:
    """Return an unsaved row, or None if the attendee gave no address for this channel."""
    recipient = registration.phone if channel == "sms" else registration.email
    if not recipient:
        return None
    now = now or timezone.now()
    conference: Conference = registration.conference
    parts = [message_type.key, channel, registration.id, *([about] if about else [])]
    when = now if message_type.transactional else quiet_hours.next_allowed(now, conference)
    return Notification(
        message_type=message_type.key,
        channel=channel,
        recipient=recipient,
        facts=facts,
        language=pick_language(registration.language),
        conference_id=conference.id,
        registration_id=registration.id,
        dedupe_key=":".join(parts),
        scheduled_for=when,
        rung_at=now if when <= now else None,
        created_at=now,
    )


def ring_for(notifications: list[Notification]) -> None:
    """Have the rows that are due now sent. The sweeper queues them again if the message is lost."""
    now = timezone.now()
    for name in sorted({row.channel for row in notifications if row.scheduled_for <= now}):
        ring_bell(CHANNELS[name])


def resend(notification_id: Any, *, by: Any) -> None:
    """Resend a message at a person's request, in any status and even if it is late by now.

    A message that has arrived gets a new Message-ID, because mailboxes hide a second mail with a known one.
    A message that may have arrived keeps its Message-ID for the same reason. Raises WrongStatusError while
    the message is being sent.
    """
    now = timezone.now()
    rows = Notification.objects.filter(pk=notification_id)
    fresh = {
        "status": Status.QUEUED, "attempts": 0, "scheduled_for": now, "rung_at": now, "called_at": None,
        "last_error": "", "on_request": True, "delivered_at": None, "updated_at": now,
    }  # fmt: skip
    changed = rows.filter(status__in=_NEW_MESSAGE_ID).update(
        **fresh, resends=F("resends") + 1, provider_id=""
    ) or rows.filter(status__in=RESENDABLE).update(**fresh)
    if not changed:
        raise WrongStatusError(notification_id, "resent")
    log.info("notification_resent", notification=str(notification_id), by=str(by))
    transaction.on_commit(lambda: ring_for(list(rows)), robust=True)


def abort(notification_id: Any, *, by: Any) -> None:
    """Abort a message that is waiting or of unknown fate. Raises WrongStatusError if it is too late."""
    changed = Notification.objects.filter(
        pk=notification_id, status__in=[Status.QUEUED, Status.UNKNOWN]
    ).update(status=Status.SUPPRESSED, last_error=f"aborted by {by}", updated_at=timezone.now())
    if not changed:
        raise WrongStatusError(notification_id, "aborted")
    log.info("notification_aborted", notification=str(notification_id), by=str(by))
