"""While a database is away or locked, every API path answers JSON 503 with Retry-After. Later it recovers."""

import re
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psutil
import pytest
import yaml

from tests.support.forks import ROOT
from tests.support.services import PostgresqlServer
from tests.support.system import System

pytestmark = pytest.mark.processes

REGISTER = "/api/conferences/test/registrations"
IN_TEST = {"conference_id": "test"}
WRITES = [
    ("/api/conferences", {"id": "new", "name": "New", "time_zone": "UTC"}),
    ("/api/conferences/test/checkins", {"badge": "x"}),
    ("/api/analytics/held", {"conference_id": "test", "action": "release"}),
    ("/api/sharing/links", {"conference_id": "test"}),
]
# Of what is in MongoDB.
ANALYTICS = {
    f"/api/analytics/{name}" for name in ("daily", "summary", "live", "held", "held/decisions", "door/rules")
} | {"/api/sharing/timeline", "/api/conferences/test/views"}
# They read no database.
WITHOUT_DATABASE = {"/api/sharing/credit-models", "/api/badges/x.x"}


_IDS = {"conference_id": "test", "alias_id": "1", "notification_id": "00000000-0000-0000-0000-000000000000"}


def read_paths() -> list[str]:
    """All addresses of the API that answer GET, of the conference `test`."""
    described = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))["paths"]
    paths = [path for path, methods in described.items() if "get" in methods]
    return [re.sub(r"\{(\w+)\}", lambda found: _IDS.get(found[1], "x"), path) for path in paths]


def register(system: System, number: int) -> httpx.Response:
    return system.http.post(REGISTER, json={"name": "Ann", "email": f"ann{number}@example.com"})


def assert_unavailable(answer: httpx.Response, *codes: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] in (codes or ("database_unavailable",))
    assert int(answer.headers["retry-after"]) >= 1


def count_registrations(system: System) -> int:
    code = "from conferences.models import Registration; print(Registration.objects.count())"
    return int(system.run_code(code))


def test_a_locked_sqlite_refuses_writes_but_still_reads(system: System) -> None:
    system.start("web")
    headers = {"Authorization": f"Token {system.token()}"}
    assert register(system, 0).status_code == 201
    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert_unavailable(register(system, 1))
        assert time.monotonic() - started < 10
        for path in read_paths():
            assert system.http.get(path, params=IN_TEST, headers=headers).status_code < 500, path
        holder.execute("ROLLBACK")
    assert register(system, 1).status_code == 201
    assert count_registrations(system) == 2


@pytest.fixture
def on_postgresql(system: System, postgresql: PostgresqlServer) -> System:
    system.use_postgresql(postgresql, "away")
    system.start("web")
    return system


def test_without_postgresql_each_path_answers_503_and_recovers(
    on_postgresql: System, postgresql: PostgresqlServer
) -> None:
    system = on_postgresql
    headers = {"Authorization": f"Token {system.token()}"}
    assert register(system, 0).status_code == 201
    postgresql.stop()
    try:
        assert len(read_paths()) > 25
        for path in read_paths():
            answer = system.http.get(path, params=IN_TEST, headers=headers)
            if path in WITHOUT_DATABASE:
                continue
            assert_unavailable(answer)
        for path, body in WRITES:
            assert_unavailable(system.http.post(path, json=body, headers=headers))
        assert_unavailable(register(system, 1))
        page = system.http.post("/accounts/login/", data={"username": "x", "password": "y"})
        assert page.status_code in (403, 503)  # without its form's token it is refused earlier
        assert system.http.get("/admin/", cookies={"sessionid": "x" * 32}).status_code == 503
        ready = system.http.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["redis"]) == (503, "ok")
    finally:
        postgresql.start()
    system.wait_for(lambda: register(system, 1).status_code == 201, "a registration", seconds=20)
    for path in read_paths():
        assert system.http.get(path, params=IN_TEST, headers=headers).status_code < 500, path
    assert count_registrations(system) == 2


@pytest.mark.faults
def test_a_hung_postgresql_gives_503_instead_of_waiting(
    on_postgresql: System, postgresql: PostgresqlServer
) -> None:
    """No thread is free then. The hung ones continue when the server does."""
    system = on_postgresql
    assert postgresql.process is not None
    processes = [postgresql.process, *psutil.Process(postgresql.process.pid).children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        clients = [httpx.Client(base_url=system.url, timeout=3) for _ in range(24)]

        def ask(number: int) -> int:
            try:
                answer = clients[number].post(REGISTER, json={"name": "N", "email": f"{number}@example.com"})
            except httpx.TimeoutException:
                return 0
            assert_unavailable(answer, "busy")
            return answer.status_code

        with ThreadPoolExecutor(24) as pool:
            statuses = list(pool.map(ask, range(24)))
        assert statuses.count(0) <= 12  # the threads of both processes
        assert statuses.count(503) >= 12
        assert system.http.get("/healthz").status_code == 200
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
    system.wait_for(lambda: register(system, 99).status_code == 201, "a registration", seconds=20)


@pytest.mark.faults
def test_without_mongodb_only_the_analytics_answer_503(system: System) -> None:
    """Only the analytics' database is away; the other paths keep working."""
    system.prepare()
    headers = {"Authorization": f"Token {system.token()}"}
    system.environment["MONGODB_URI"] = "mongodb://127.0.0.1:9/"  # the discard port, which has no listener
    system.start("web")
    days = {"from": "2026-11-01", "to": "2026-11-02"}  # some ask for them
    for path in read_paths():
        answer = system.http.get(path, params=IN_TEST | days, headers=headers)
        if path in ANALYTICS:
            assert_unavailable(answer)
        else:
            assert answer.status_code < 500, path
