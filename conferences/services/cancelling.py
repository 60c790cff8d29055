"""Cancelling a conference, and taking that back. Announcements tell the registrants (notifications)."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from conferences.models import Conference
from conferences.services.conferences import note_saved
from meeteasy.core.logs import get_logger

log = get_logger(__name__)


@transaction.atomic
def cancel_conference(conference: Conference, *, by: Any, now: dt.datetime | None = None) -> bool:
    """Cancel a conference: its form closes, and reminders and confirmations stop. Nobody is notified.

    Registrations stay as they are. Returns whether it took place until now.
    """
    return _set(conference, now or timezone.now(), by=by)


@transaction.atomic
def reinstate_conference(conference: Conference, *, by: Any) -> bool:
    """Take a cancellation back. Returns whether the conference was cancelled."""
    return _set(conference, None, by=by)


def _set(conference: Conference, cancelled_at: dt.datetime | None, *, by: Any) -> bool:
    to_cancel = cancelled_at is not None
    rows = Conference.objects.filter(pk=conference.pk, cancelled_at__isnull=to_cancel)
    if not rows.update(cancelled_at=cancelled_at):
        conference.refresh_from_db(fields=["cancelled_at"])
        return False
    conference.cancelled_at = cancelled_at
    note_saved(conference)
    log.info("conference_cancelled" if to_cancel else "conference_reinstated", id=conference.pk, by=str(by))
    return True
