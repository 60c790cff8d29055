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
from tests.support.system import QUEUES, System


@pytest.mark.django_db
def test_a_silent_queue_warns_until_a_task_runs() -> None:
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
    silent = heartbeats.find_silent()
    fresh.end("id")  # otherwise its thread goes on beating in the tests that follow
    assert silent == {}


def test_a_heartbeat_of_the_future_is_old() -> None:
    """The clock was set back since; whoever lives replaces it within seconds."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for queue in heartbeats.expected_queues():
        Heart().beat(queue)
    client.hset("heartbeats", "analytics.daily", int(time.time()) + 172_800)
    assert list(heartbeats.find_silent()) == ["queue:analytics.daily"]
    Heart().beat("analytics.daily")
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


class Faults:
    """What was done to the workers and when, and when /readyz first told of it."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._began: dict[str, float] = {}
        self.shown_after: dict[str, float] = {}

    def note(self, queue: str) -> None:
        self._began[f"queue:{queue}"] = time.monotonic()

    def are_shown(self) -> bool:
        warnings = self._system.http.get("/readyz").json()["warnings"]
        now = time.monotonic()
        for name, began in self._began.items():
            if name in warnings:
                self.shown_after.setdefault(name, now - began)
        return self.shown_after.keys() == self._began.keys()


@pytest.mark.processes
@pytest.mark.faults
def test_every_kind_of_broken_worker_shows_within_a_minute(system: System) -> None:
    """email is killed, events is stopped, and daily stays connected but takes no more tasks."""
    expected = heartbeats.expected_queues()
    system.web_processes = 2
    system.start("web", *(name for name, queue in QUEUES.items() if queue in expected), "beat")

    def warnings() -> set[str]:
        found = system.http.get("/readyz").json()["warnings"]
        return {name for name in found if name.startswith("queue:")}

    system.wait_for(lambda: not warnings(), "a heartbeat of each queue", seconds=180)
    faults = Faults(system)
    system.kill("email")
    faults.note("notifications.email")
    main = psutil.Process(system.processes["events"].pid)
    stopped = [main, *main.children(recursive=True)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    faults.note("analytics.events")
    system.run_code(
        "from meeteasy.celery import app\n"
        "app.control.cancel_consumer('analytics.daily', reply=True, timeout=5)"
    )
    faults.note("analytics.daily")
    try:
        system.wait_for(faults.are_shown, "the warnings", seconds=90, every=0.5)
        print({name: round(seconds) for name, seconds in faults.shown_after.items()})  # noqa: T201
        assert max(faults.shown_after.values()) <= 60
        assert warnings() == faults.shown_after.keys(), "the others work"
        values = parse(system.http.get("/metrics").text)
        age = 'meeteasy_queue_heartbeat_age_seconds{{queue="{}"}}'.format
        for name in faults.shown_after:
            queue = name.removeprefix("queue:")
            assert values[age(queue)] > heartbeats.SILENT_SECONDS
            line = f"queue={queue}".encode()
            system.wait_for(lambda line=line: line in system.log("web"), f"a log line of {queue}", seconds=20)
        assert b"queue_silent" in system.log("web")
        assert values[age("notifications.sms")] < heartbeats.SILENT_SECONDS
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    system.wait_for(lambda: "queue:analytics.events" not in warnings(), "events to go on", seconds=120)
