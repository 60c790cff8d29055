"""The sweeper handles rows whose worker died or whose task was lost."""

import datetime as dt
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from meeteasy.core.jobs import claim
from notifications.models import Notification
from notifications.services import sweeping
from notifications.services.delivering import MAX_ATTEMPTS

pytestmark = pytest.mark.django_db
Status = Notification.Status


def abandon(row: Notification, *, called: bool, attempts: int = 0) -> None:
    """Leave the row as a killed worker does, with an expired lease."""
    now = timezone.now()
    Notification.objects.filter(pk=row.pk).update(attempts=attempts)
    assert claim(
        Notification.objects.all(), pk=row.pk, lease_seconds=-1, status=Status.SENDING,
        called_at=now if called else None,
    )  # fmt: skip


def queue_length(queue: str) -> int:
    return redis.Redis.from_url(settings.REDIS_URL).llen(queue)


def test_a_worker_death_before_the_call_is_retried(sms: Notification) -> None:
    abandon(sms, called=False)
    sweeping.sweep("sms")
    sms.refresh_from_db()
    assert (sms.status, sms.lease_token, sms.lease_until) == (Status.QUEUED, "", None)
    assert queue_length("notifications.sms") == 1


def test_a_worker_death_after_the_call_is_unknown(sms: Notification) -> None:
    abandon(sms, called=True)
    sweeping.sweep("sms")
    sms.refresh_from_db()
    assert sms.status == Status.UNKNOWN
    assert queue_length("notifications.sms") == 0


def test_a_mail_of_unknown_fate_is_resent_at_once(notification: Notification) -> None:
    abandon(notification, called=True)
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.status == Status.QUEUED
    assert queue_length("notifications.email") == 1


def test_a_message_that_kills_workers_is_given_up(notification: Notification) -> None:
    abandon(notification, called=False, attempts=MAX_ATTEMPTS - 1)
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.status == Status.FAILED


def test_a_running_lease_is_left_alone(notification: Notification) -> None:
    claim(Notification.objects.all(), pk=notification.pk, lease_seconds=60, status=Status.SENDING)
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.status == Status.SENDING


def test_a_lost_task_is_requeued_after_a_minute(
    notification: Notification,
) -> None:
    for _ in range(3):
        sweeping.sweep("email")
    assert queue_length("notifications.email") == 0  # it was queued just now, when it was written
    Notification.objects.update(rung_at=timezone.now() - dt.timedelta(seconds=61))
    for _ in range(3):
        sweeping.sweep("email")
    assert queue_length("notifications.email") == 1


def test_channels_are_swept_independently(notification: Notification, sms: Notification) -> None:
    Notification.objects.update(rung_at=None)
    sweeping.sweep("sms")
    assert (queue_length("notifications.sms"), queue_length("notifications.email")) == (1, 0)


def test_a_backlog_is_queued_in_batches(attend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "_RING_AT_ONCE", 2)
    for _ in range(3):
        attend()
    Notification.objects.update(rung_at=None)
    sweeping.sweep("email")
    assert queue_length("notifications.email") == 2
    sweeping.sweep("email")
    assert queue_length("notifications.email") == 3
