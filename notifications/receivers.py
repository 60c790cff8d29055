"""Signal receivers of the outbox: changed registrations, and reports of mail providers."""

import datetime as dt
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.dispatch import receiver

from conferences.models import Registration
from conferences.services.deleting import deletes_rows
from conferences.signals import registration_changing, registration_erasing, registration_repeated
from notifications import bounces
from notifications.message_types import MESSAGE_TYPES
from notifications.models import (
    Announcement,
    CalendarRevision,
    MailboxMessage,
    Mailing,
    Notification,
    ReminderRound,
    Suppression,
)
from notifications.services import outbox, reporting

_ACCEPTED = {EventType.QUEUED, EventType.SENT, EventType.DEFERRED, EventType.OPENED, EventType.CLICKED}


for _model in (
    Notification, Suppression, MailboxMessage, ReminderRound, Announcement, CalendarRevision, Mailing,
):  # fmt: skip
    deletes_rows(_model)


@receiver(registration_changing, dispatch_uid="notifications.notify_of_change")
def notify_of_change(
    sender: Any, *, registration: Registration, previous_state: str | None, is_silent: bool, **kwargs: Any
) -> None:
    """Write messages in the transaction of the change, so that both are committed or neither."""
    if not is_silent:
        outbox.notify_of_change(registration, previous=previous_state)


@receiver(registration_repeated, dispatch_uid="notifications.notify_of_repetition")
def notify_of_repetition(sender: Any, *, registration: Registration, now: dt.datetime, **kwargs: Any) -> None:
    if registration.state in MESSAGE_TYPES["already_registered"].states:
        outbox.notify_of_repetition(registration, now=now)


@receiver(registration_erasing, dispatch_uid="notifications.erase_recipient")
def erase_recipient(sender: Any, *, registration: Registration, **kwargs: Any) -> None:
    """Delete all messages to an erased person, including copies in the mailbox."""
    recipients = [text for text in (registration.email, registration.phone) if text]
    MailboxMessage.objects.filter(recipient__in=recipients, conference_id=registration.conference_id).delete()
    Notification.objects.filter(registration_id=registration.id).delete()


@receiver(tracking, dispatch_uid="notifications.note_mail_event")
def note_mail_event(sender: Any, *, event: AnymailTrackingEvent, esp_name: str, **kwargs: Any) -> None:
    """Handle a webhook of a mail provider. Anymail has checked its secret or signature."""
    provider_id = event.message_id if isinstance(event.message_id, str) else ""
    row = reporting.find_notification(
        channel="email",
        reference=str((event.metadata or {}).get("notification_id", "")),
        provider_id=provider_id,
    )
    if row is None:
        return
    kind, detail = event.event_type, event.description or event.mta_response or event.reject_reason or ""
    if kind == EventType.DELIVERED:
        reporting.note_delivered(row, provider_id=provider_id)
    elif kind == EventType.BOUNCED:
        reporting.note_lost(
            row, status=Notification.Status.BOUNCED, detail=f"bounced: {detail}", provider_id=provider_id
        )
        if bounces.is_hard(event, provider=esp_name):
            reporting.suppress_recipient(row, reason=Suppression.Reason.BOUNCED)
    elif kind in (EventType.REJECTED, EventType.FAILED):
        reporting.note_lost(
            row, status=Notification.Status.FAILED, detail=f"{kind}: {detail}", provider_id=provider_id
        )
        if event.reject_reason == RejectReason.INVALID and bounces.is_hard(event, provider=esp_name):
            reporting.suppress_recipient(row, reason=Suppression.Reason.BOUNCED)
    elif kind == EventType.COMPLAINED:
        reporting.suppress_recipient(row, reason=Suppression.Reason.COMPLAINED)
    elif kind == EventType.UNSUBSCRIBED:
        reporting.unsubscribe_recipient(row)
    elif kind in _ACCEPTED:
        reporting.note_accepted(row, provider_id=provider_id)
