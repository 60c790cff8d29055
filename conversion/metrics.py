"""Conversion metrics at `/metrics`: waiting files and their age, and failures by whose fault they are."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from conversion.models import ConversionJob
from conversion.problems import SERVER_PROBLEMS
from meeteasy.core.job_metrics import COUNT_AT_MOST, FAILED_SINCE, read_jobs
from meeteasy.core.metrics import metrics_from

Status = ConversionJob.Status


@metrics_from("database:default")
def read_conversions() -> Iterator[Metric]:
    now = timezone.now()
    jobs = ConversionJob.objects.order_by()
    yield from read_jobs(
        "conversions", jobs, now=now, waiting="Files that no worker has taken",
        running="Files that workers are converting.",
    )  # fmt: skip
    failed = GaugeMetricFamily(
        "meeteasy_conversions_failed",
        f"Conversions that failed within 24 hours, up to {COUNT_AT_MOST}, by whose fault.",
        labels=["fault"],
    )
    recent = jobs.filter(status=Status.FAILED, finished_at__gte=now - FAILED_SINCE)
    codes = list(recent.values_list("error_code", flat=True)[:COUNT_AT_MOST])
    of_server = sum(code in SERVER_PROBLEMS for code in codes)
    failed.add_metric(["file"], len(codes) - of_server)
    failed.add_metric(["server"], of_server)
    yield failed
