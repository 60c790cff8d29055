"""`/metrics`: the state of the system for Prometheus, read at each scrape (docs/operations.md).

Processing an event updates no counters. The figures come from Redis and the databases, which all processes
share, so every web process gives the same answer. An app adds its own metrics with `@metrics_from`.
"""

import ipaddress
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import django
from django.conf import settings
from django.db import connections, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import autodiscover_modules
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from meeteasy.core import health, heartbeats, read_only, task_times
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue
from meeteasy.core.redis import get_quick_redis
from meeteasy.core.releases import running_release
from meeteasy.core.salts import plain_address

log = get_logger(__name__)

Reader = Callable[[], Iterable[Metric]]

_readers: list[tuple[str, Reader]] = []

# A statement that waits for a migration's lock must not hold up the page: Prometheus gives it 10 s.
_STATEMENT_MS = 2_000
# Headers that a proxy adds. A proxied request is not from this machine, even if its peer is.
_PROXY_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


def metrics_from(dependency: str) -> Callable[[Reader], Reader]:
    """Register a function that reads metrics from `redis` or `database:ALIAS`.

    It runs at every scrape while that dependency answers. Its cost must be bounded however much is stored, so
    it never counts events. If it raises, its metrics are left out and `meeteasy_scrape_success` says so.
    """

    def register(reader: Reader) -> Reader:
        _readers.append((dependency, reader))
        return reader

    return register


def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State())
    return HttpResponse(encode(registry), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    """Allow clients with the METRICS_TOKEN. Without one, allow this machine, but not through a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
    if any(name in request.headers for name in _PROXY_HEADERS):
        return False
    try:
        return ipaddress.ip_address(plain_address(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:  # no address: the server listens on a Unix socket
        return False


class _State:
    """A collector for prometheus_client."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("meeteasy_build", "What runs here.", value=_versions())
        redis_up = GaugeMetricFamily("meeteasy_redis_up", "Whether Redis answers.")
        database_up = GaugeMetricFamily("meeteasy_database_up", "Whether it answers.", labels=["database"])
        success = GaugeMetricFamily(
            "meeteasy_scrape_success", "Whether these metrics could be read; if not, they are missing.",
            labels=["reader"],
        )  # fmt: skip
        _discover()
        for dependency in health.dependencies():
            is_up = health.check(dependency) == "ok"
            _, _, alias = dependency.partition(":")
            for reader in (reader for source, reader in _readers if source == dependency):
                found = _read(reader, alias) if is_up else None
                if found is None and is_up:  # otherwise a hung one costs its time-out per reader
                    is_up = health.check(dependency) == "ok"
                success.add_metric([reader.__name__.removeprefix("read_")], found is not None)
                yield from found or ()
            if alias:
                database_up.add_metric([alias], is_up)
            else:
                redis_up.add_metric([], is_up)
        yield from (redis_up, database_up, success)


def _read(reader: Reader, alias: str) -> list[Metric] | None:
    """Return what it reads, or None. alias: the database that it reads from; "" for Redis."""
    try:
        if not alias:
            return list(reader())
        with _bounded_statements(alias):
            return list(reader())
    except Exception:
        log.exception("metrics_not_read", reader=reader.__name__)
        return None


@contextmanager
def _bounded_statements(alias: str) -> Iterator[None]:
    """Limit statements on PostgreSQL. SQLite's readers never wait; settings limit MongoDB."""
    if connections[alias].vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_MS}")
        yield


@lru_cache(maxsize=1)
def _discover() -> None:
    """Import every app's metrics.py."""
    autodiscover_modules("metrics")


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return {
        "version": running_release(),
        "python": platform.python_version(),
        "django": django.get_version(),
    }


@metrics_from("redis")
def read_redis() -> Iterator[Metric]:
    memory = get_quick_redis().info("memory")
    yield GaugeMetricFamily("meeteasy_redis_memory_bytes", "Memory that Redis uses.", memory["used_memory"])
    yield GaugeMetricFamily(
        "meeteasy_redis_memory_limit_bytes", "Redis' maxmemory; 0: none.", memory["maxmemory"]
    )


@metrics_from("redis")
def read_queues() -> Iterator[Metric]:
    pipeline = get_quick_redis().pipeline(transaction=False)
    for queue in Queue:
        pipeline.llen(queue)
    waiting = GaugeMetricFamily(
        "meeteasy_queue_messages", "Celery messages that no worker has taken yet.", labels=["queue"]
    )
    for queue, length in zip(Queue, pipeline.execute(), strict=True):
        waiting.add_metric([queue], length)
    yield waiting


@metrics_from("redis")
def read_heartbeats() -> Iterator[Metric]:
    ages = GaugeMetricFamily(
        "meeteasy_queue_heartbeat_age_seconds",
        "Since a worker last worked on a task of the queue. Missing before the first.",
        labels=["queue"],
    )
    for queue, age in heartbeats.read_ages().items():
        if age is not None:
            ages.add_metric([queue], age)
    yield ages


@metrics_from("redis")
def read_mode() -> Iterator[Metric]:
    is_on = read_only.read_since() is not None
    yield GaugeMetricFamily("meeteasy_read_only", "Whether writes are refused for an upgrade.", is_on)


@metrics_from("redis")
def read_tasks() -> Iterator[Metric]:
    totals = task_times.read_totals()
    for kind, name, text in (
        ("runs", "meeteasy_task_runs", "Tasks that ended, by name."),
        ("failures", "meeteasy_task_failures", "Of these, with an exception."),
        ("seconds", "meeteasy_task_seconds", "How long they took in all."),
    ):
        sums = CounterMetricFamily(name, text, labels=["task"])
        for task, value in sorted(totals[kind].items()):
            sums.add_metric([task], value)
        yield sums


@metrics_from("redis")
def read_beat() -> Iterator[Metric]:
    age = health.read_beat_age()
    if age is not None:
        yield GaugeMetricFamily(
            "meeteasy_beat_last_tick_age_seconds",
            "Since beat's last tick was worked off. Missing before the first.",
            age,
        )
