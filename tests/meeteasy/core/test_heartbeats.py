"""A queue without a working worker is reported, whatever happened to the worker."""

import signal
import time

import psutil
import pytest
import redis
from django.conf import settings
from django.test import Client

from meeteasy.core import heartbeats
from meeteasy.core.heartbeats import Heart
from tests.support.scraping import parse
from tests.support.system import System


@pytest.mark.django_db
def test_a_silent_queue_is_a_warning_until_a_task_runs() -> None:
    heart = Heart()
    for queue in heartbeats.expected_queues():
        heart.beat(queue)
    assert not any(name.startswith("queue:") for name in Client().get("/readyz").json()["warnings"])

    redis.Redis.from_url(settings.REDIS_URL).hset("heartbeats", "analytics.events", int(time.time()) - 46)
    warnings = Client().get("/readyz").json()["warnings"]
    assert warnings["queue:analytics.events"].startswith("no worker heard of for 4")
    assert list(heartbeats.find_silent()) == ["queue:analytics.events"]

    fresh = Heart()
    fresh.begin("id", "analytics.events")
    assert heartbeats.find_silent() == {}


def test_every_scheduled_queue_has_a_sweep_within_10_seconds() -> None:
    entries = settings.DEFAULT_SCHEDULE.values()
    swept = {str(entry["queue"]) for entry in entries if isinstance(entry["schedule"], int | float)}
    frequent = {
        str(entry["queue"])
        for entry in entries
        if isinstance(entry["schedule"], int | float) and entry["schedule"] <= 10
    }
    assert swept == frequent == set(heartbeats.expected_queues())


@pytest.mark.processes
@pytest.mark.faults
def test_every_kind_of_broken_worker_shows_within_a_minute(system: System) -> None:
    """email is killed, events is stopped, and daily stays connected but takes no more tasks."""
    system.start("web", "events", "daily", "email", "sms", "files", "beat")

    def warnings() -> set[str]:
        found = system.http.get("/readyz").json()["warnings"]
        return {name for name in found if name.startswith("queue:")}

    system.wait_for(lambda: not warnings(), "a heartbeat of each queue", seconds=90)
    system.kill("email")
    main = psutil.Process(system.processes["events"].pid)
    stopped = [main, *main.children(recursive=True)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    system.run_code(
        "from meeteasy.celery import app\n"
        "app.control.cancel_consumer('analytics.daily', reply=True, timeout=5)"
    )
    started = time.monotonic()
    expected = {"queue:analytics.events", "queue:analytics.daily", "queue:notifications.email"}
    try:
        system.wait_for(lambda: warnings() == expected, "the warnings", seconds=60)
        system.wait_for(
            lambda: all(
                f"queue={queue.removeprefix('queue:')}".encode() in system.log("web") for queue in expected
            ),
            "the log lines",
            seconds=60 - (time.monotonic() - started),
        )
        values = parse(system.http.get("/metrics").text)
        age = 'meeteasy_queue_heartbeat_age_seconds{{queue="{}"}}'.format
        assert values[age("analytics.events")] > heartbeats.SILENT_SECONDS
        assert values[age("notifications.sms")] < 20
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    system.wait_for(lambda: "queue:analytics.events" not in warnings(), "events to go on", seconds=60)
