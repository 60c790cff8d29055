"""Handling providers' reports: delivered, bounced, complained. They come twice, late and out of order."""

import uuid
from typing import Any

from django.db.models import Q
from django.utils import timezone

from meeteasy.core.logs import get_logger
from notifications.models import Notification, Suppression, storable
from notifications.services import suppressing

log = get_logger(__name__)
Status = Notification.Status
_OPEN = [Status.SENDING, Status.SENT, Status.UNKNOWN]


def find_notification(*, channel: str, reference: str, provider_id: str) -> Notification | None:
    """Find the message of a report, by our reference if the provider returns it, else by its own id."""
    rows = Notification.objects.filter(channel=channel)
    found, provider_id = None, storable(provider_id, most=200)
    if reference:
        try:
            found = rows.filter(pk=uuid.UUID(reference)).first()
        except ValueError:
            found = None
    if found is None and provider_id:
        found = rows.filter(provider_id=provider_id).first()
    return found


def note_delivered(row: Notification, *, provider_id: str = "") -> None:
    _settle(row, Status.DELIVERED, provider_id=provider_id, delivered_at=timezone.now(), last_error="")


def note_accepted(row: Notification, *, provider_id: str = "") -> None:
    """Record that the provider has the message. This settles a message of unknown fate."""
    now, provider_id = timezone.now(), storable(provider_id, most=200)
    Notification.objects.filter(pk=row.pk, status=Status.UNKNOWN).update(
        status=Status.SENT, provider_id=provider_id or row.provider_id, sent_at=now, last_error="",
        updated_at=now,
    )  # fmt: skip


def note_lost(row: Notification, *, status: str, detail: str, provider_id: str = "") -> None:
    """Record that the message did not arrive. A bounce may follow a relay's `delivered`.

    status: BOUNCED or FAILED.
    """
    _settle(row, status, provider_id=provider_id, last_error=storable(detail), also_from=[Status.DELIVERED])


def suppress_recipient(row: Notification, *, reason: str) -> None:
    """Stop all messages to the recipient, for all conferences."""
    suppressing.suppress(
        channel=row.channel, address=row.recipient, scope=Suppression.Scope.ALL, reason=reason
    )


def unsubscribe_recipient(row: Notification) -> None:
    """Stop reminders to the recipient about the message's conference."""
    suppressing.suppress(
        channel=row.channel,
        address=row.recipient,
        scope=Suppression.Scope.REMINDERS,
        reason=Suppression.Reason.UNSUBSCRIBED,
        conference_id=row.conference_id,
    )


def _settle(
    row: Notification, status: str, *, provider_id: str, also_from: list[Any] | None = None, **changes: Any
) -> None:
    """Write a final status and take the row from a worker that still waits for the provider's answer."""
    now, provider_id = timezone.now(), storable(provider_id, most=200)
    settled = Notification.objects.filter(
        Q(provider_id="") | Q(provider_id=provider_id or row.provider_id),
        pk=row.pk,
        status__in=[*_OPEN, *(also_from or [])],
    ).update(
        status=status, provider_id=provider_id or row.provider_id, lease_token="", lease_until=None,
        updated_at=now, **changes,
    )  # fmt: skip
    if settled:
        log.info("notification_reported", notification=str(row.pk), status=str(status))
