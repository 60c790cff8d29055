"""Metrics of live sockets at `/metrics`."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from live import groups
from meeteasy.core.metrics import metrics_from


@metrics_from("redis")
def read_sockets() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "meeteasy_live_sockets", "Open live sockets of all web processes, some seconds late.",
        groups.count_sockets(),
    )  # fmt: skip
