"""One message on a channel's queue for many notifications, as with the stream of events.

A Celery message costs a request more than its rows. So whoever wrote due notifications sets a key, the bell,
unless it is set, and sends a message only then. A drain deletes the key before it first looks for due rows:
it finds those that were committed before, and a later one rings again. If a message is lost, the key expires,
and the sweeper finds the rows.
"""

import random
import time
from contextlib import suppress
from uuid import UUID

import redis
from django.utils import timezone

from meeteasy.core.jobs import ring
from meeteasy.core.redis import get_quick_redis, take_gate
from notifications.channels import CHANNELS, Channel
from notifications.models import Notification
from notifications.services.delivering import deliver

_BELL_MS = 5_000
# Then the next message on the queue has its turn.
_DRAIN_SECONDS = 10.0
_ROWS_AT_ONCE = 20


def ring_bell(channel: Channel) -> None:
    """Have a worker send the channel's due notifications. An absent broker is no error: the sweeper rings."""
    with suppress(redis.RedisError, OSError):
        if take_gate(get_quick_redis(), _bell(channel), milliseconds=_BELL_MS):
            ring(channel.drain_task_name, [[]], queue=channel.queue)


def drain(channel_name: str) -> int:
    """Send due notifications of a channel for some seconds. Returns how many were ours.

    Another worker is rung as long as more than one waits, so a slow provider holds up only what it answers.
    """
    channel = CHANNELS[channel_name]
    with suppress(redis.RedisError, OSError):
        get_quick_redis().delete(_bell(channel))
    stop_at = time.monotonic() + _DRAIN_SECONDS
    sent = 0
    while waiting := _find_due(channel):
        if len(waiting) > 1:
            ring_bell(channel)
        if time.monotonic() >= stop_at:
            ring_bell(channel)
            break
        random.shuffle(waiting)  # several workers read the same rows
        sent += sum(deliver(pk) is not None for pk in waiting if time.monotonic() < stop_at)
    return sent


def _find_due(channel: Channel) -> list[UUID]:
    due = Notification.objects.filter(
        channel=channel.name, status=Notification.Status.QUEUED, scheduled_for__lte=timezone.now()
    )
    ordered = due.order_by("scheduled_for").values_list("pk", flat=True)
    # Who just registered does not wait for thousands of copies of the organizers' message.
    first = list(ordered.filter(mailing_id=None)[:_ROWS_AT_ONCE])
    return first or list(ordered.filter(mailing_id__isnull=False)[:_ROWS_AT_ONCE])


def _bell(channel: Channel) -> str:
    return f"notifications:bell:{channel.name}"
