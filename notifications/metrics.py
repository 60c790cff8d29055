"""Outbox metrics at `/metrics`: waiting messages and their age, failures, and paused channels."""

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from meeteasy.core.metrics import metrics_from
from notifications.channels import CHANNELS
from notifications.models import Notification
from notifications.selectors.outages import list_outages

Status = Notification.Status

# Counting stops here, so that a scrape of a long queue stays cheap. The alarm fires long before.
_COUNT_AT_MOST = 10_000
_FAILED_SINCE = dt.timedelta(hours=24)


@metrics_from("database:default")
def read_outbox() -> Iterator[Metric]:
    now = timezone.now()
    waiting = GaugeMetricFamily(
        "meeteasy_notifications_waiting",
        f"Messages that are due and not sent, up to {_COUNT_AT_MOST}.",
        labels=["channel"],
    )
    oldest = GaugeMetricFamily(
        "meeteasy_notifications_oldest_seconds",
        "How long the oldest message has been due. 0: none is.",
        labels=["channel"],
    )
    failed = GaugeMetricFamily(
        "meeteasy_notifications_failed",
        f"Messages that failed for good within 24 hours, up to {_COUNT_AT_MOST}.",
        labels=["channel"],
    )
    unknown = GaugeMetricFamily(
        "meeteasy_notifications_unknown",
        f"Messages that may or may not have been sent, up to {_COUNT_AT_MOST}.",
        labels=["channel"],
    )
    for channel in sorted(CHANNELS):
        rows = Notification.objects.filter(channel=channel)
        due = rows.filter(status=Status.QUEUED, scheduled_for__lte=now)
        waiting.add_metric([channel], due[:_COUNT_AT_MOST].count())
        first = due.order_by("scheduled_for").values_list("scheduled_for", flat=True).first()
        oldest.add_metric([channel], (now - first).total_seconds() if first else 0)
        lost = rows.filter(status=Status.FAILED, scheduled_for__gte=now - _FAILED_SINCE)
        failed.add_metric([channel], lost[:_COUNT_AT_MOST].count())
        unknown.add_metric([channel], rows.filter(status=Status.UNKNOWN)[:_COUNT_AT_MOST].count())
    yield from (waiting, oldest, failed, unknown)


@metrics_from("database:default")
def read_outages() -> Iterator[Metric]:
    outage = GaugeMetricFamily(
        "meeteasy_notifications_outage_seconds",
        "How long a channel has paused because its provider is out of reach, or refuses us. 0: it has not.",
        labels=["channel", "needs_attention"],
    )
    now = timezone.now()
    lasting = {row.channel: row for row in list_outages()}
    for channel in sorted(CHANNELS):
        row = lasting.get(channel)
        seconds = (now - row.since).total_seconds() if row else 0
        outage.add_metric([channel, str(bool(row and row.needs_attention)).lower()], seconds)
    yield outage
