"""kill -9 of real processes while clients post: no event answered with 202 is lost, and none counts twice.

The stored events and the summaries are compared with tests/support/recount.py, which shares no code with
MeetEasy. docs/delivery.md says why each case ends well.
"""

import threading
import time
from collections.abc import Callable, Sequence

import httpx
import pytest

from tests.support.clients import PostingClients, make_event
from tests.support.counted import recount, wait_until_all_are_counted
from tests.support.crashing.apps import COMPUTED, MID_INSERT, POINTS, STORED
from tests.support.killing import kill_with_entries_in_hand
from tests.support.services import PostgresqlServer
from tests.support.system import System

pytestmark = pytest.mark.processes

RECOVERY_SECONDS = 30


def kill_web(system: System) -> None:
    system.kill("web")
    system.start("web")


def kill_worker(system: System) -> None:
    kill_with_entries_in_hand(system, "events")
    system.start("events")


def kill_valkey(system: System) -> None:
    system.valkey.kill()
    time.sleep(0.5)  # long enough for clients to be refused
    system.valkey.start()


@pytest.mark.parametrize("kill", [kill_web, kill_worker, kill_valkey], ids=["web", "worker", "valkey"])
def test_kill_9_while_clients_post_loses_and_doubles_nothing(
    system: System, kill: Callable[[System], None]
) -> None:
    system.web_processes = 2
    system.start("web", "events", "daily", "beat")
    with PostingClients(system.url) as clients:
        for _ in range(2):
            clients.wait_for_batches(40)
            kill(system)
        clients.wait_for_batches(40)
    if kill is not kill_worker:
        assert clients.retries, "no request was hit: this run shows nothing"
    wait_until_all_are_counted(system, clients.ids)


def test_other_workers_take_over_from_a_killed_one(system: System) -> None:
    workers = ["events", "events-2", "events-3"]
    system.start("web", *workers, "daily", "beat")
    with PostingClients(system.url, pause_seconds=0) as clients:
        for name in workers:
            system.wait_for(lambda name=name: b"events_stored" in system.log(name), f"{name} to store events")
        kill_with_entries_in_hand(system, "events-2")
        clients.wait_for_batches(100)
    wait_until_all_are_counted(system, clients.ids)


@pytest.mark.postgresql
def test_a_postgresql_outage_costs_nothing(system: System, postgresql: PostgresqlServer) -> None:
    system.use_postgresql(postgresql, "crashes")
    system.start("web", "events", "daily", "beat")
    with PostingClients(system.url) as clients:
        clients.wait_for_batches(20)
        postgresql.stop()
        clients.wait_for_batches(100)
        # Long enough to try every entry more often than a bad one would be.
        system.wait_for(lambda: system.log("events").count(b"events_wait") >= 6, "six tries")
        kill_worker(system)
        postgresql.start()
        clients.wait_for_batches(20)
    wait_until_all_are_counted(system, clients.ids)


@pytest.mark.parametrize(
    ("database", "points"),
    [("sqlite", POINTS), pytest.param("postgresql", [MID_INSERT], marks=pytest.mark.postgresql)],
    ids=["sqlite", "postgresql"],
)
def test_a_death_at_any_step_is_repaired_soon(
    system: System, database: str, points: Sequence[str], request: pytest.FixtureRequest
) -> None:
    """The steps: insert, react, acknowledge; compute a day, clear its marks."""
    if database == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        system.use_postgresql(server, "steps")
    system.environment["DJANGO_SETTINGS_MODULE"] = "tests.support.crashing.settings"
    system.start("web", "events", "daily", "beat")
    ids: set[str] = set()
    for number, point in enumerate(points):
        crash_file = system.directory / "crash-at"
        crash_file.write_text(point)
        batch = [make_event(f"{number}-{place}") for place in range(20)]
        ids |= {event["event_id"] for event in batch}
        assert system.post(batch).status_code == 202
        system.wait_for(lambda file=crash_file: not file.exists(), f"a crash {point}", seconds=30)
        crashed = time.monotonic()
        if point == MID_INSERT:
            assert not set(recount(system)["ids"]) & {event["event_id"] for event in batch}
        elif point == STORED:
            assert set(recount(system)["ids"]) == ids
        if point != COMPUTED:
            stream_is_empty = lambda: system.redis().xlen("stream:analytics.events") == 0  # noqa: E731
            system.wait_for(stream_is_empty, "the entries to be taken over", seconds=2 * RECOVERY_SECONDS)
            assert time.monotonic() - crashed <= RECOVERY_SECONDS
        wait_until_all_are_counted(system, ids)


def test_an_event_sent_again_and_again_counts_once(system: System) -> None:
    """Ten clients send it at once, twice in one batch, and again after a day."""
    system.start("web", "events", "daily", "beat")
    event = make_event("same")
    answers: list[int] = []
    begin = threading.Barrier(10)

    def send() -> None:
        begin.wait(20)
        body = {"events": [event, make_event("other"), event]}
        answers.append(httpx.post(f"{system.url}/api/analytics/events", json=body, timeout=20).status_code)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [202] * 10
    wait_until_all_are_counted(system, {"same", "other"})

    # As if a day had passed: the stored events and their summary are of yesterday.
    yesterday = int((time.time() - 86_400) * 1000)
    assert system.post([{**make_event("old"), "ts": yesterday}]).status_code == 202
    wait_until_all_are_counted(system, {"same", "other", "old"})
    assert system.post([make_event("old"), make_event("old"), make_event("new")]).status_code == 202
    wait_until_all_are_counted(system, {"same", "other", "old", "new"})
