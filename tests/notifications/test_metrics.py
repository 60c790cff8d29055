"""The outbox metrics at /metrics for a known state."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from notifications.metrics import read_outages, read_outbox
from notifications.models import Notification, Outage

pytestmark = pytest.mark.django_db


def values(reader: Any, **labels: str) -> dict[str, float]:
    return {
        sample.name.removeprefix("meeteasy_notifications_"): sample.value
        for metric in reader()
        for sample in metric.samples
        if labels.items() <= sample.labels.items()
    }


def test_an_empty_outbox_shows_zeros() -> None:
    zeros = {"waiting": 0, "oldest_seconds": 0, "failed": 0, "unknown": 0}
    assert values(read_outbox, channel="email") == values(read_outbox, channel="sms") == zeros
    assert values(read_outages, channel="email") == {"outage_seconds": 0}


def test_waiting_failed_and_unknown_messages_are_counted(attend: Any) -> None:
    now = timezone.now()
    for status, age in [("queued", 90), ("queued", 5), ("queued", -3600), ("failed", 60), ("failed", 90_000),
                        ("unknown", 5), ("sent", 5)]:  # fmt: skip
        attend()
        row = Notification.objects.order_by("-id")[0]
        Notification.objects.filter(pk=row.pk).update(
            status=status, scheduled_for=now - dt.timedelta(seconds=age)
        )
    found = values(read_outbox, channel="email")
    assert 90 <= found.pop("oldest_seconds") < 120
    assert found == {"waiting": 2, "failed": 1, "unknown": 1}


def test_outage_metrics_show_duration_and_needed_attention() -> None:
    now = timezone.now()
    Outage.objects.create(
        channel="email", since=now - dt.timedelta(minutes=5), paused_until=now, needs_attention=True
    )
    found = values(read_outages, channel="email", needs_attention="true")
    assert 300 <= found["outage_seconds"] < 330
    assert values(read_outages, channel="sms") == {"outage_seconds": 0}
