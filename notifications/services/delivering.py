"""Sending one notification: claim, judge, render, call the provider, mark (docs/notifications.md).

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

from conferences.models import Registration
from meeteasy.core.jobs import backoff_seconds, claim, finish, update_claimed
from meeteasy.core.logs import get_logger
from notifications import quiet_hours, rates
from notifications.channels import CHANNELS, Accepted, Channel, Failure
from notifications.message_types import MessageType, UnknownMessageTypeError, get_message_type
from notifications.models import Notification, Suppression, storable
from notifications.selectors.outages import find_pause
from notifications.selectors.suppressions import find_suppression
from notifications.services import pausing, suppressing
from notifications.services.revising import read_sequence

log = get_logger(__name__)
Status = Notification.Status

MAX_ATTEMPTS = 8
# A worker waits this long for its turn with the provider. After that, it requeues the message.
_WAIT_AT_MOST_SECONDS = 2.0


class LeaseLostError(Exception):
    """Another worker has taken over the job, and we sent nothing."""


def deliver(notification_id: Any) -> str | None:
    """Send a due notification, unless another worker has it. Returns its new status, or None.

    It is safe to call this at any time and any number of times.
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


class _Call:
    """The progress callbacks of a channel (`Call` in channels/_base.py)."""

    def __init__(self, notification: Notification, token: str, *, provider: str, sent_text: str) -> None:
        self.notification, self.token = notification, token
        self.begun = False
        self._noted = {"provider": provider, "sent_text": storable(sent_text)}

    def keep(self, seconds: float = 0, **changes: Any) -> None:
        now = timezone.now()
        seconds = max(seconds, settings.NOTIFICATIONS_LEASE_SECONDS)
        if not update_claimed(
            Notification.objects.all(), pk=self.notification.pk, token=self.token,
            lease_until=now + dt.timedelta(seconds=seconds), updated_at=now, **changes,
        ):  # fmt: skip
            raise LeaseLostError

    def begin(self, seconds: float = 0) -> None:
        """Note the call. If we die from now on, it is unknown whether the provider acted."""
        self.keep(seconds, called_at=timezone.now(), **self._noted)
        self.begun = True


class _Delivery:
    """One claimed notification on its way to the provider."""

    def __init__(self, notification: Notification, token: str) -> None:
        self.notification = notification
        self.token = token

    def run(self, now: dt.datetime) -> str | None:
        row = self.notification
        try:
            message_type = get_message_type(row)
            channel = CHANNELS[row.channel]
        except (UnknownMessageTypeError, KeyError) as error:
            return self._mark(Status.FAILED, last_error=f"{type(error).__name__}: {error}")
        registrations = Registration.objects.select_related("conference")
        registration = registrations.filter(pk=row.registration_id).first()
        if registration is None:
            return self._mark(Status.SUPPRESSED, last_error="the registration does not exist any more")
        obstacle = _find_obstacle(row, message_type, registration, now)
        if obstacle:
            return self._mark(Status.SUPPRESSED, last_error=obstacle)
        later = _later(row, message_type, registration, now)
        if later is not None:
            return self._put_back(later)
        try:
            sequence = read_sequence(registration.conference) if message_type.calendar_method else 0
            message = channel.render(row, registration, sequence=sequence)
        except Exception as error:  # an error in a template must not stop the worker
            log.exception("notification_not_rendered", notification=str(row.pk), type=row.message_type)
            return self._mark(
                Status.FAILED, last_error=storable(f"not rendered: {type(error).__name__}: {error}")
            )
        return self._send(channel, message, now)

    def _send(self, channel: Channel, message: Any, now: dt.datetime) -> str | None:
        provider = channel.provider_name()
        ours, wait_seconds = rates.take_slot(
            f"{channel.name}:{provider}",
            per_second=channel.rate_per_second(),
            wait_at_most_seconds=_WAIT_AT_MOST_SECONDS,
        )
        if not ours:
            return self._put_back(now + dt.timedelta(seconds=wait_seconds))
        time.sleep(wait_seconds)
        row = self.notification
        call = _Call(row, self.token, provider=provider, sent_text=message.sent_text)
        try:
            accepted = channel.send(row, message, call=call)
        except LeaseLostError:
            return None
        except Failure as failure:
            return self._mark_failure(failure)
        except Exception as error:  # an error in a provider's code, perhaps while it read the answer
            log.exception("notification_send_failed", notification=str(row.pk), channel=row.channel)
            kind = Failure.UNKNOWN if call.begun else Failure.TEMPORARY
            return self._mark_failure(Failure(f"{type(error).__name__}: {error}", kind=kind))
        return self._mark_accepted(accepted)

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
            # The provider's report came before its answer and has already set the status.
            rows = Notification.objects.filter(pk=self.notification.pk)
            rows.filter(provider_id="").update(provider_id=provider_id)
            rows.filter(sent_at=None).update(sent_at=now)
        pausing.end_outage(self.notification.channel)
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
        if failure.kind == Failure.OUTAGE:
            until = pausing.note_outage(row, failure)
            attempts = row.attempts if failure.confirmed else row.attempts + 1  # only to lengthen the wait
            return self._put_back(until, last_error=error, called_at=None, attempts=attempts - 1)
        if failure.kind == Failure.PERMANENT:
            return self._mark(Status.FAILED, last_error=error)
        wait = max(backoff_seconds(row.attempts), failure.retry_after_seconds or 0)
        when = timezone.now() + dt.timedelta(seconds=wait)
        if failure.kind == Failure.UNKNOWN:
            return self._mark(Status.UNKNOWN, last_error=error, scheduled_for=when)
        if row.attempts >= MAX_ATTEMPTS:
            return self._mark(Status.FAILED, last_error=f"given up after {row.attempts} attempts: {error}")
        return self._mark(Status.QUEUED, last_error=error, scheduled_for=when, rung_at=None, called_at=None)

    def _put_back(self, until: dt.datetime, **changes: Any) -> str | None:
        """Requeue the message until then. It does not count as an attempt unless `changes` say so."""
        changes = {"attempts": self.notification.attempts - 1, **changes}
        return self._mark(Status.QUEUED, scheduled_for=until, rung_at=None, **changes)

    def _mark(self, status: Status, **changes: Any) -> str | None:
        ours = finish(
            Notification.objects.all(), pk=self.notification.pk, token=self.token,
            status=status, updated_at=timezone.now(), **changes,
        )  # fmt: skip
        return status if ours else None


def _find_obstacle(
    row: Notification, message_type: MessageType, registration: Registration, now: dt.datetime
) -> str | None:
    """Return why the message must not be sent, as things are now, or None."""
    suppression = find_suppression(row, transactional=message_type.transactional)
    if suppression is not None:
        return f"the address is suppressed: {suppression.reason}"
    if not message_type.outlives_conference and registration.conference.cancelled_at is not None:
        return "the conference is cancelled"
    return message_type.find_obstacle(row, registration, now=now)


def _later(
    row: Notification, message_type: MessageType, registration: Registration, now: dt.datetime
) -> dt.datetime | None:
    """Return a later time if the channel pauses or it is night. Retries may be sent at night."""
    pause = find_pause(row.channel, now)
    if pause is not None:
        return pause
    if message_type.transactional or row.on_request:
        return None
    allowed = quiet_hours.next_allowed(now, registration.conference)
    return allowed if allowed > now else None
