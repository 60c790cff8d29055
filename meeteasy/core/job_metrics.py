"""Metrics of jobs at `/metrics` that each app with a queue of them has: how many wait, how long, and run."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

# Counting stops here, so that a scrape of a long queue stays cheap. The alarms fire long before.
COUNT_AT_MOST = 10_000
FAILED_SINCE = dt.timedelta(hours=24)


def read_jobs(
    name: str, jobs: QuerySet[Any], *, now: dt.datetime, waiting: str, running: str
) -> Iterator[Metric]:
    """Yield `meeteasy_<name>_waiting`, `…_oldest_seconds` and `…_running`.

    jobs: in no order, with `status` "queued" or "running" and `due_at`. waiting, running: help texts.
    """
    due = jobs.filter(status="queued", due_at__lte=now)
    yield GaugeMetricFamily(
        f"meeteasy_{name}_waiting", f"{waiting}, up to {COUNT_AT_MOST}.", due[:COUNT_AT_MOST].count()
    )
    first = due.order_by("due_at").values_list("due_at", flat=True).first()
    yield GaugeMetricFamily(
        f"meeteasy_{name}_oldest_seconds", "How long the oldest of them has waited. 0: none does.",
        (now - first).total_seconds() if first else 0,
    )  # fmt: skip
    running_jobs = jobs.filter(status="running")
    yield GaugeMetricFamily(f"meeteasy_{name}_running", running, running_jobs[:COUNT_AT_MOST].count())
