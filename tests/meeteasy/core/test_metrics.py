"""/metrics: who may read it, its figures of Redis, the queues, beat and the databases, and the figures that
are missing while one of them is away."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from typing import Any

import django
import pytest
from celery import current_app
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from meeteasy.core.health import note_beat
from meeteasy.core.heartbeats import Heart
from meeteasy.core.queues import Queue
from meeteasy.core.redis import get_redis
from meeteasy.core.task_times import TaskTimes, read_totals
from tests.support.scraping import scrape, succeeded
from tests.support.services import ValkeyServer, free_port
from tests.support.system import ROOT

pytestmark = pytest.mark.django_db

OF_THE_DATABASE = {"conversions", "dirty_days", "dead_letters", "generations", "outbox", "outages"}
# How long Prometheus waits for a page by default.
SCRAPE_TIMEOUT = 10


def test_it_shows_the_build_and_that_all_readers_succeeded() -> None:
    values = scrape()

    assert values["meeteasy_redis_up"] == values['meeteasy_database_up{database="default"}'] == 1
    assert {"redis", "queues", "beat", "stream", "dirty_days", "dead_letters"} <= set(succeeded(values))
    assert all(succeeded(values).values())
    (build,) = [name for name in values if name.startswith("meeteasy_build_info")]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'version="{version}"' in build
    assert f'django="{django.get_version()}"' in build


def test_it_shows_the_length_of_all_six_queues() -> None:
    for number, queue in enumerate(Queue):
        for _ in range(number):
            current_app.send_task("nothing.runs_this", queue=str(queue))
    values = scrape()

    assert len(Queue) == 6
    for number, queue in enumerate(Queue):
        assert values[f'meeteasy_queue_messages{{queue="{queue}"}}'] == number


def test_it_shows_how_long_beat_has_been_silent() -> None:
    name = "meeteasy_beat_last_tick_age_seconds"
    assert name not in scrape(), "it has not ticked yet"

    note_beat()
    assert scrape()[name] <= 2

    get_redis().set("beat:last_tick", int(time.time()) - 3600)
    assert 3600 <= scrape()[name] <= 3602


def test_it_shows_the_memory_of_redis_and_its_limit() -> None:
    values = scrape()

    assert values["meeteasy_redis_memory_limit_bytes"] == 1024**3  # the limit of the embedded one
    assert 0 < values["meeteasy_redis_memory_bytes"] < 1024**3


def run_once(name: str, *, failed: bool = False) -> None:
    times = TaskTimes()
    times.begin("id")
    times.end("id", name, failed=failed)
    times.send()


def test_it_shows_how_often_and_how_long_tasks_ran() -> None:
    run_once("analytics.refresh_dirty_days")
    run_once("analytics.refresh_dirty_days", failed=True)
    values = scrape()

    assert values['meeteasy_task_runs_total{task="analytics.refresh_dirty_days"}'] == 2
    assert values['meeteasy_task_failures_total{task="analytics.refresh_dirty_days"}'] == 1
    assert 0 < values['meeteasy_task_seconds_total{task="analytics.refresh_dirty_days"}'] < 1


def test_what_tasks_took_while_redis_was_away_is_kept(valkey: ValkeyServer) -> None:
    times = TaskTimes()
    valkey.kill()
    try:
        times.begin("id")
        times.end("id", "notifications.send", failed=False)
    finally:
        valkey.start()
    times.send()
    assert read_totals()["runs"] == {"notifications.send": 1}


def test_the_table_of_alarms_has_exactly_our_metrics() -> None:
    note_beat()
    Heart().beat(Queue.ANALYTICS_DAILY)
    run_once("analytics.refresh_dirty_days", failed=True)
    shown = {name.partition("{")[0].removeprefix("meeteasy_") for name in scrape()}
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, table = text.partition("| metric (`meeteasy_…`)")
    rows = [line.split("|")[1] for line in table.partition("\n\n")[0].splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`(\w+)", row)} == shown


def test_a_client_that_asks_for_openmetrics_gets_it() -> None:
    answer = Client().get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in parse_openmetrics(answer.content.decode())}
    assert {"meeteasy_build", "meeteasy_queue_messages"} <= families


def test_without_redis_only_the_databases_are_shown(valkey: ValkeyServer) -> None:
    valkey.kill()
    try:
        started = time.monotonic()
        values = scrape()
        took = time.monotonic() - started
    finally:
        valkey.start()

    assert values["meeteasy_redis_up"] == 0
    assert values['meeteasy_database_up{database="default"}'] == 1
    assert values["meeteasy_dead_letters"] == 0
    assert not any(re.match("meeteasy_(stream|queue|beat|redis_memory)", name) for name in values)
    assert {name for name, is_read in succeeded(values).items() if is_read} == OF_THE_DATABASE
    assert took < SCRAPE_TIMEOUT
    assert scrape()["meeteasy_redis_up"] == 1


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections but never answers, like a stopped one."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]


def test_a_hung_redis_does_not_hold_up_the_page(silent_server: int, settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{silent_server}/0"
    started = time.monotonic()
    values = scrape()

    assert time.monotonic() - started < SCRAPE_TIMEOUT
    assert values["meeteasy_redis_up"] == 0
    assert values['meeteasy_database_up{database="default"}'] == 1


def test_without_the_database_only_redis_is_shown() -> None:
    """The process's database is a port without a listener."""
    code = "from tests.support.scraping import scrape; print(scrape())"
    database = f"postgres://nobody@127.0.0.1:{free_port()}/nothing"
    printed = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database, "ALLOWED_HOSTS": "testserver"},
        capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    values: dict[str, float] = eval(printed)

    assert values['meeteasy_database_up{database="default"}'] == 0
    assert values["meeteasy_redis_up"] == 1
    assert values["meeteasy_stream_entries"] == 0
    assert {name for name, is_read in succeeded(values).items() if not is_read} == OF_THE_DATABASE
    assert "meeteasy_dead_letters" not in values


class TestWithoutAToken:
    @pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
    def test_this_machine_may_read(self, address: str) -> None:
        assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200

    @pytest.mark.parametrize("address", ["10.0.0.5", "203.0.113.7", "::ffff:203.0.113.7", "fe80::1%eth0", ""])
    def test_other_machines_get_404(self, address: str) -> None:
        assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 404

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_a_request_through_a_local_proxy_is_not_local(self, header: str) -> None:
        for said in ("127.0.0.1", ""):
            assert Client().get("/metrics", headers={header: said}).status_code == 404

    def test_an_empty_token_is_refused(self) -> None:
        away = Client(REMOTE_ADDR="203.0.113.7")
        assert away.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


class TestWithAToken:
    @pytest.fixture(autouse=True)
    def token(self, settings: Any) -> None:
        settings.METRICS_TOKEN = "s3cret"

    def test_a_client_with_the_token_may_read_from_anywhere(self) -> None:
        away = Client(REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR="203.0.113.7")
        assert away.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200

    @pytest.mark.parametrize(
        "given", ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Token s3cret", "s3cret", "é"]
    )
    def test_without_the_right_token_this_machine_is_refused_too(self, given: str) -> None:
        assert Client().get("/metrics", headers={"Authorization": given}).status_code == 404
        assert Client().get("/metrics").status_code == 404


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_internal_machines_may_ask_without_tls(path: str, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get(path).status_code == 200
    assert Client().get("/admin/").status_code == 301
