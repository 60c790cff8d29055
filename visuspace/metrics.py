"""Metrics of generations at `/metrics`: what waits for a worker or a provider, and what failed."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from meeteasy.core.job_metrics import COUNT_AT_MOST, FAILED_SINCE, read_jobs
from meeteasy.core.metrics import metrics_from
from visuspace.models import GenerationJob

Status = GenerationJob.Status


@metrics_from("database:default")
def read_generations() -> Iterator[Metric]:
    now = timezone.now()
    jobs = GenerationJob.objects.order_by()
    yield from read_jobs(
        "generations", jobs, now=now, waiting="Texts that no worker has begun",
        running="Texts that providers are writing.",
    )  # fmt: skip
    # By an index: when it was due the last time is a little before it failed.
    failed = jobs.filter(status=Status.FAILED, due_at__gte=now - FAILED_SINCE)
    yield GaugeMetricFamily(
        "meeteasy_generations_failed", f"Generations that failed within 24 hours, up to {COUNT_AT_MOST}.",
        failed[:COUNT_AT_MOST].count(),
    )  # fmt: skip
