"""Periodic work for each channel, every few seconds: clean up after dead workers and queue due messages."""

import datetime as dt
import time

from django.db.models import Q
from django.utils import timezone

from meeteasy.core.jobs import lease_expired, ring
from meeteasy.core.logs import get_logger
from notifications.channels import CHANNELS, Channel, Failure
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification, storable
from notifications.services.delivering import MAX_ATTEMPTS

log = get_logger(__name__)
Status = Notification.Status

# A queued task counts as lost if no worker takes it within this time. Queuing it twice does no harm.
_RING_AGAIN = dt.timedelta(seconds=60)
_RING_AT_ONCE = 500
_LOOK_UP_BUDGET_SECONDS = 40
_LOOK_UP_FOR = dt.timedelta(hours=24)


def sweep(channel_name: str) -> None:
    channel = CHANNELS[channel_name]
    now = timezone.now()
    rows = Notification.objects.filter(channel=channel_name)
    _clear_up_after_dead_workers(channel_name, now)
    if channel.resends_unknown:
        # It goes out once more with the same Message-ID.
        in_doubt = rows.filter(status=Status.UNKNOWN, scheduled_for__lte=now, attempts__lt=MAX_ATTEMPTS)
        once = [key for key, message_type in MESSAGE_TYPES.items() if not message_type.repeats_unknown]
        in_doubt.exclude(message_type__in=once).update(status=Status.QUEUED, rung_at=None, updated_at=now)
    ring_due(channel, now)
    if not channel.resends_unknown:
        _look_up_unknown(channel, now)


def ring_due(channel: Channel, now: dt.datetime) -> int:
    """Queue due rows: scheduled rows whose time has come, and rows whose task was lost."""
    waiting = Q(rung_at=None) | Q(rung_at__lt=now - _RING_AGAIN)
    due = Notification.objects.filter(
        waiting, channel=channel.name, status=Status.QUEUED, scheduled_for__lte=now
    )
    ids = list(due.order_by("scheduled_for").values_list("pk", flat=True)[:_RING_AT_ONCE])
    if not ids:
        return 0
    # Write this before queuing: it must not overwrite a fast worker's result (rung_at = None for a retry).
    Notification.objects.filter(pk__in=ids, status=Status.QUEUED).update(rung_at=now)
    return ring(channel.task_name, ([str(pk)] for pk in ids), queue=channel.queue)


def _clear_up_after_dead_workers(channel_name: str, now: dt.datetime) -> None:
    """Release expired leases. A living worker renews its lease, so an expired one means a dead worker."""
    abandoned = Notification.objects.filter(lease_expired(now), channel=channel_name, status=Status.SENDING)
    free = {"lease_token": "", "lease_until": None, "updated_at": now}
    not_called = abandoned.filter(called_at=None)
    back = not_called.filter(attempts__lt=MAX_ATTEMPTS).update(
        status=Status.QUEUED, scheduled_for=now, rung_at=None, **free
    )
    given_up = not_called.update(
        status=Status.FAILED, last_error=f"given up: {MAX_ATTEMPTS} workers died of it", **free
    )
    unknown = abandoned.update(
        status=Status.UNKNOWN,
        scheduled_for=now,
        last_error="unknown: the worker died after it had called the provider",
        **free,
    )
    if back or given_up or unknown:
        log.warning(
            "notifications_abandoned", channel=channel_name, queued=back, failed=given_up, unknown=unknown
        )


def _look_up_unknown(channel: Channel, now: dt.datetime) -> None:
    """Ask the provider about messages of unknown fate, at growing intervals, for a day.

    After that they wait for a person. A missing message proves nothing, because providers' lists lag behind.
    """
    stop_at = time.monotonic() + _LOOK_UP_BUDGET_SECONDS
    for row in Notification.objects.filter(
        channel=channel.name,
        status=Status.UNKNOWN,
        scheduled_for__lte=now,
        called_at__gte=now - _LOOK_UP_FOR,
    ).order_by("scheduled_for")[:50]:
        if time.monotonic() > stop_at:
            return
        assert row.called_at is not None
        same = Notification.objects.filter(pk=row.pk, status=Status.UNKNOWN)
        try:
            found = channel.look_up(row)
        except Failure as failure:
            log.warning("notification_not_looked_up", notification=str(row.pk), error=str(failure))
            found = None
        moment = timezone.now()
        if found is None:
            pause = max(dt.timedelta(minutes=1), moment - row.called_at)
            same.update(scheduled_for=moment + pause)
            continue
        same.update(
            status=Status.DELIVERED if found.delivered else Status.SENT,
            provider_id=storable(found.provider_id, most=200) or row.provider_id,
            sent_at=row.called_at,
            delivered_at=moment if found.delivered else None,
            last_error="",
            updated_at=moment,
        )
        log.info("notification_found_at_provider", notification=str(row.pk))
