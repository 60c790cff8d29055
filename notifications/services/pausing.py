"""Pausing a channel whose provider is unreachable or refuses our account or sender.

Such a failure says nothing about the message that triggered it. Without a pause, every waiting message would
use up its attempts and fail for good before anyone could fix the cause.
"""

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from meeteasy.core.jobs import backoff_seconds
from meeteasy.core.logs import get_logger
from notifications.channels import Failure
from notifications.models import Notification, Outage, storable

log = get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 600


def note_outage(row: Notification, failure: Failure) -> dt.datetime:
    """Pause the channel of a message, longer after each failure in a row, and raise the alarm.

    An unconfirmed failure pauses the channel only if another recipient also had one since the last success.
    Until then only its own message waits. Returns the time until which the message waits.
    """
    now, channel = timezone.now(), row.channel
    outage = Outage.objects.filter(channel=channel).first()
    failures = outage.failures + 1 if outage else 1
    pauses = failure.confirmed or (outage is not None and outage.met_by not in ("", row.recipient))
    wait = max(backoff_seconds(failures, most=_LONGEST_PAUSE_SECONDS / 1.5), failure.retry_after_seconds or 0)
    until = now + dt.timedelta(seconds=wait)
    changes = {
        "paused_until": until if pauses else now,
        "failures": failures if pauses else 0,
        "needs_attention": failure.needs_attention,
        "met_by": row.recipient,
        "error": storable(str(failure)),
    }
    if not Outage.objects.filter(channel=channel).update(**changes):
        try:
            with transaction.atomic():
                Outage.objects.create(channel=channel, since=now, **changes)
        except IntegrityError:  # another worker noted it at the same moment
            Outage.objects.filter(channel=channel).update(**changes)
    report = log.error if failure.needs_attention else log.warning
    report("provider_refuses_us", channel=channel, pauses=pauses, until=until.isoformat(), error=str(failure))
    if pauses:
        return until
    return now + dt.timedelta(seconds=backoff_seconds(row.attempts))


def end_outage(channel: str) -> None:
    """End the channel's outage, because the provider accepted a message."""
    outage = Outage.objects.filter(channel=channel)
    if outage.exists() and outage.delete()[0]:  # usually none exists; a DELETE locks SQLite
        log.info("channel_resumed", channel=channel)
