"""Metrics of generations at `/metrics`: what waits for a worker or a provider, and what failed."""

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from meeteasy.core.metrics import metrics_from
from visuspace.models import GenerationJob

Status = GenerationJob.Status

# Counting stops here, so that a scrape of a long queue stays cheap.
_COUNT_AT_MOST = 10_000
_SINCE = dt.timedelta(hours=24)


@metrics_from("database:default")
def read_generations() -> Iterator[Metric]:
    now = timezone.now()
    jobs = GenerationJob.objects.order_by()
    due = jobs.filter(status=Status.QUEUED, due_at__lte=now)
    yield GaugeMetricFamily(
        "meeteasy_generations_waiting", f"Texts that no worker has begun, up to {_COUNT_AT_MOST}.",
        due[:_COUNT_AT_MOST].count(),
    )  # fmt: skip
    first = due.order_by("due_at").values_list("due_at", flat=True).first()
    yield GaugeMetricFamily(
        "meeteasy_generations_oldest_seconds", "How long the oldest of them has waited. 0: none does.",
        (now - first).total_seconds() if first else 0,
    )  # fmt: skip
    yield GaugeMetricFamily(
        "meeteasy_generations_running", "Texts that providers are writing.",
        jobs.filter(status=Status.RUNNING)[:_COUNT_AT_MOST].count(),
    )  # fmt: skip
    # By an index: when it was due the last time is a little before it failed.
    failed = jobs.filter(status=Status.FAILED, due_at__gte=now - _SINCE)
    yield GaugeMetricFamily(
        "meeteasy_generations_failed", f"Generations that failed within 24 hours, up to {_COUNT_AT_MOST}.",
        failed[:_COUNT_AT_MOST].count(),
    )  # fmt: skip
