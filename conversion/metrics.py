"""Conversion metrics at `/metrics`: waiting files and their age, and failures by whose fault they are."""

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from conversion.models import ConversionJob
from conversion.problems import SERVER_PROBLEMS
from meeteasy.core.metrics import metrics_from

Status = ConversionJob.Status

# Counting stops here, so that a scrape of a long queue stays cheap. The alarm fires long before.
_COUNT_AT_MOST = 10_000
_SINCE = dt.timedelta(hours=24)


@metrics_from("database:default")
def read_conversions() -> Iterator[Metric]:
    now = timezone.now()
    jobs = ConversionJob.objects.order_by()
    due = jobs.filter(status=Status.QUEUED, due_at__lte=now)
    yield GaugeMetricFamily(
        "meeteasy_conversions_waiting", f"Files that no worker has taken, up to {_COUNT_AT_MOST}.",
        due[:_COUNT_AT_MOST].count(),
    )  # fmt: skip
    first = due.order_by("due_at").values_list("due_at", flat=True).first()
    yield GaugeMetricFamily(
        "meeteasy_conversions_oldest_seconds", "How long the oldest of them has waited. 0: none does.",
        (now - first).total_seconds() if first else 0,
    )  # fmt: skip
    yield GaugeMetricFamily(
        "meeteasy_conversions_running", "Files that workers are converting.",
        jobs.filter(status=Status.RUNNING)[:_COUNT_AT_MOST].count(),
    )  # fmt: skip
    failed = GaugeMetricFamily(
        "meeteasy_conversions_failed",
        f"Conversions that failed within 24 hours, up to {_COUNT_AT_MOST}, by whose fault.",
        labels=["fault"],
    )
    recent = jobs.filter(status=Status.FAILED, finished_at__gte=now - _SINCE)
    codes = list(recent.values_list("error_code", flat=True)[:_COUNT_AT_MOST])
    of_server = sum(code in SERVER_PROBLEMS for code in codes)
    failed.add_metric(["file"], len(codes) - of_server)
    failed.add_metric(["server"], of_server)
    yield failed
