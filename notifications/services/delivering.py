"""Sending one notification: claim, render, call the provider, mark. docs/notifications.md explains why.

queued ──claim──▶ sending ──called_at──▶ provider ──▶ sent
                     │                       ├─ refused for good ──▶ failed
                     │                       ├─ refused for now ───▶ queued, later
                     └─ worker dies: queued  └─ worker dies, or no answer: unknown
"""

import datetime as dt
import time
from typing import Any

from django.conf import settings
from django.utils import timezone

from conferences.models import Conference, Registration
from meeteasy.core.jobs import backoff_seconds, claim, finish, update_claimed
from meeteasy.core.logs import get_logger
from notifications import quiet_hours, rates
from notifications.channels import CHANNELS, Accepted, Failure
from notifications.message_types import MessageType, UnknownMessageTypeError, get_message_type
from notifications.models import Notification, Suppression, storable
from notifications.selectors.suppressions import find_suppression
from notifications.services import suppressing

log = get_logger(__name__)
Status = Notification.Status

MAX_ATTEMPTS = 8
# A worker waits for its turn with the provider that long; beyond, the message goes back into the queue.
_WAIT_AT_MOST_SECONDS = 2.0


class LeaseLostError(Exception):
    """Somebody else has the job by now; nothing was sent."""


def deliver(notification_id: Any) -> str | None:
    """Send a notification that is due, unless somebody else is at it. Returns its status then, or None.

    Safe to call at any time and any number of times.
    """
    now = timezone.now()
    token = claim(
        Notification.objects.filter(status=Status.QUEUED, scheduled_for__lte=now),
        pk=notification_id,
        lease_seconds=settings.NOTIFICATIONS_LEASE_SECONDS,
        now=now,
        status=Status.SENDING,
        called_at=None,
        updated_at=now,
    )
    if token is None:
        return None
    return _Delivery(Notification.objects.get(pk=notification_id), token).run(now)


class _Delivery:
    """One claimed notification on its way to the provider."""

    def __init__(self, notification: Notification, token: str) -> None:
        self.notification = notification
        self.token = token
        self.called = False

    def run(self, now: dt.datetime) -> str | None:
        row = self.notification
        try:
            message_type = get_message_type(row)
            channel = CHANNELS[row.channel]
        except (UnknownMessageTypeError, KeyError) as error:
            return self._mark(Status.FAILED, last_error=f"{type(error).__name__}: {error}")
        reason = _reason_not_to_send(row, message_type, now)
        if reason:
            return self._mark(Status.SUPPRESSED, last_error=reason)
        later = _quiet_until(row, message_type, now)
        if later is not None:
            return self._put_back(later)
        try:
            message = channel.render(row)
        except Exception as error:  # a mistake in a template is no reason to stop the worker
            log.exception("notification_not_rendered", notification=str(row.pk), type=row.message_type)
            return self._mark(
                Status.FAILED, last_error=storable(f"not rendered: {type(error).__name__}: {error}")
            )
        provider = channel.provider_name()
        ours, wait_seconds = rates.take_slot(
            f"{channel.name}:{provider}",
            per_second=channel.rate_per_second(),
            wait_at_most_seconds=_WAIT_AT_MOST_SECONDS,
        )
        if not ours:
            return self._put_back(now + dt.timedelta(seconds=wait_seconds))
        time.sleep(wait_seconds)
        try:
            accepted = channel.send(row, message, on_call=lambda: self._note_call(provider))
        except LeaseLostError:
            return None
        except Failure as failure:
            return self._mark_failure(failure)
        except Exception as error:  # a mistake in a provider's code, perhaps while it read the answer
            log.exception("notification_send_failed", notification=str(row.pk), channel=row.channel)
            kind = Failure.UNKNOWN if self.called else Failure.TEMPORARY
            return self._mark_failure(Failure(f"{type(error).__name__}: {error}", kind=kind))
        return self._mark_accepted(accepted)

    def _note_call(self, provider: str) -> None:
        """From here on the provider may act: if we die now, nobody knows whether it did."""
        now = timezone.now()
        if not update_claimed(
            Notification.objects.all(), pk=self.notification.pk, token=self.token,
            called_at=now, provider=provider, updated_at=now,
        ):  # fmt: skip
            raise LeaseLostError
        self.called = True

    def _mark_accepted(self, accepted: Accepted) -> str:
        now = timezone.now()
        status = Status.DELIVERED if accepted.delivered else Status.SENT
        provider_id = storable(accepted.provider_id, most=200)
        marked = self._mark(
            status,
            provider_id=provider_id,
            sent_at=now,
            delivered_at=now if accepted.delivered else None,
            last_error="",
        )
        if marked is None:
            # The provider's report was faster than its answer, and has written the status already.
            rows = Notification.objects.filter(pk=self.notification.pk)
            rows.filter(provider_id="").update(provider_id=provider_id)
            rows.filter(sent_at=None).update(sent_at=now)
        log.info(
            "notification_sent",
            notification=str(self.notification.pk),
            type=self.notification.message_type,
            channel=self.notification.channel,
            attempt=self.notification.attempts,
        )
        return status

    def _mark_failure(self, failure: Failure) -> str | None:
        row = self.notification
        log.warning(
            "notification_not_sent",
            notification=str(row.pk),
            channel=row.channel,
            kind=failure.kind,
            attempt=row.attempts,
            error=str(failure),
        )
        if failure.unsubscribed:
            suppressing.suppress(
                channel=row.channel,
                address=row.recipient,
                scope=Suppression.Scope.ALL,
                reason=Suppression.Reason.UNSUBSCRIBED,
            )
        error = storable(f"{failure.kind}: {failure}")
        if failure.kind == Failure.PERMANENT:
            return self._mark(Status.FAILED, last_error=error)
        wait = max(backoff_seconds(row.attempts), failure.retry_after_seconds or 0)
        when = timezone.now() + dt.timedelta(seconds=wait)
        if failure.kind == Failure.UNKNOWN:
            return self._mark(Status.UNKNOWN, last_error=error, scheduled_for=when)
        if row.attempts >= MAX_ATTEMPTS:
            return self._mark(Status.FAILED, last_error=f"given up after {row.attempts} attempts: {error}")
        return self._mark(Status.QUEUED, last_error=error, scheduled_for=when, rung_at=None, called_at=None)

    def _put_back(self, until: dt.datetime) -> str | None:
        """Not now, and that was no attempt."""
        return self._mark(
            Status.QUEUED, scheduled_for=until, rung_at=None, attempts=self.notification.attempts - 1
        )

    def _mark(self, status: Status, **changes: Any) -> str | None:
        ours = finish(
            Notification.objects.all(), pk=self.notification.pk, token=self.token,
            status=status, updated_at=timezone.now(), **changes,
        )  # fmt: skip
        return status if ours else None


def _reason_not_to_send(row: Notification, message_type: MessageType, now: dt.datetime) -> str | None:
    if row.expires_at is not None and row.expires_at <= now:
        return "it came too late to be of use"
    suppression = find_suppression(row, transactional=message_type.transactional)
    if suppression is not None:
        return f"the address is suppressed: {suppression.reason}"
    if row.registration_id:
        state = Registration.objects.filter(pk=row.registration_id).values_list("state", flat=True).first()
        if state is None:
            return "the registration does not exist any more"
        if state not in message_type.states:
            return f"overtaken: the registration is {state}"
    return None


def _quiet_until(row: Notification, message_type: MessageType, now: dt.datetime) -> dt.datetime | None:
    """The end of the quiet hours, if it is quiet now: a second attempt may come later than planned."""
    if message_type.transactional:
        return None
    conference = Conference.objects.filter(pk=row.conference_id).first()
    allowed = quiet_hours.next_allowed(now, conference) if conference is not None else now
    return allowed if allowed > now else None
