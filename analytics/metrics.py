"""What /metrics shows of the way of the events: the stream, the days to compute, the dead letters."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from redis.exceptions import ResponseError

from analytics.ingest import refusals
from analytics.models import DeadLetter, DirtyDay
from analytics.stream.queue import GROUP, STREAM
from meeteasy.core.metrics import metrics_from
from meeteasy.core.redis import get_quick_redis, read_clock

# No more rows than that are read for a number; what an alarm needs is whether there are any.
MAX_ROWS = 1_000


@metrics_from("redis")
def read_stream() -> Iterator[Metric]:
    """In one transaction: a worker that finishes entries meanwhile would make them appear in two numbers."""
    pipeline = get_quick_redis().pipeline(transaction=True)
    pipeline.exists(STREAM)
    pipeline.xinfo_stream(STREAM)
    pipeline.xinfo_groups(STREAM)
    pipeline.memory_usage(STREAM)
    exists, stream, groups, memory = pipeline.execute(raise_on_error=False)
    if not exists:
        stream, groups, memory = {"length": 0, "entries-added": 0, "first-entry": None}, [], 0
    for reply in (stream, groups, memory):
        if isinstance(reply, ResponseError):
            raise reply
    length = stream["length"]
    # Workers delete what they have finished, so what is there and undelivered is the lag. Redis'
    # own figure is the same, but missing when it cannot tell.
    pending = sum(group["pending"] for group in groups if group["name"] == GROUP.encode())
    yield _gauge("stream_entries", "Entries of the stream that are not finished.", length)
    yield _gauge("stream_lag_entries", "Of these, delivered to no worker yet.", length - pending)
    yield _gauge("stream_pending_entries", "Of these, delivered to a worker.", pending)
    yield _gauge(
        "stream_oldest_entry_age_seconds", "Age of the oldest of these; 0: there is none.",
        _entry_age(stream["first-entry"]),
    )  # fmt: skip
    yield _gauge("stream_memory_bytes", "Memory that the stream takes in Redis, estimated.", memory or 0)
    yield _gauge(
        "stream_memory_limit_bytes", "From here on batches are answered 503.", settings.INGEST_QUEUE_MAX_BYTES
    )
    added = stream.get("entries-added")
    if added is not None:  # Redis says so from version 7 on
        yield CounterMetricFamily(
            "meeteasy_stream_entries_added", "Entries ever added; each holds up to 500 events.", added
        )


@metrics_from(f"database:{settings.ANALYTICS_DATABASE}")
def read_dirty_days() -> Iterator[Metric]:
    marks = DirtyDay.objects.order_by("marked_at").values_list("conference_id", "local_date", "marked_at")
    oldest = list(marks[:MAX_ROWS])
    days = {(conference_id, date) for conference_id, date, _ in oldest}
    yield _gauge("dirty_days", f"Days that wait to be computed, of the {MAX_ROWS} oldest marks.", len(days))
    age = (timezone.now() - oldest[0][2]).total_seconds() if oldest else 0
    yield _gauge(
        "dirty_day_oldest_mark_age_seconds", "Age of the oldest mark; 0: there is none.", max(0, age)
    )


@metrics_from(f"database:{settings.ANALYTICS_DATABASE}")
def read_dead_letters() -> Iterator[Metric]:
    waiting = DeadLetter.objects.filter(replayed_at__isnull=True).order_by()
    number = len(waiting.values_list("replayed_at")[:MAX_ROWS])
    yield _gauge("dead_letters", f"Dead letters that were not replayed, at most {MAX_ROWS}.", number)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"meeteasy_{name}", text, value)


def _entry_age(entry: Any) -> float:
    """Seconds since an entry was added: its id begins with the milliseconds of that."""
    if entry is None:
        return 0
    return abs(read_clock(get_quick_redis()) - int(entry[0].partition(b"-")[0]) / 1000)


@metrics_from("redis")
def read_refusals() -> Iterator[Metric]:
    """What the event door refused, requests and events, by the code of the answer."""
    refused = CounterMetricFamily(
        "meeteasy_events_refused", "Requests and events that the event door refused.", labels=["reason"]
    )
    for reason, count in sorted(refusals.read_totals().items()):
        refused.add_metric([reason], count)
    yield refused
