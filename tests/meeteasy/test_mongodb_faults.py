"""MongoDB stalls, restarts and dies under load: no event answered with 202 is lost, and none counts twice.

Needs MONGODB_URI and the commands that docs/mongodb.md names; `bin/test faults -k mongodb`.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.clients import PostingClients
from tests.support.counted import wait_until_all_are_counted
from tests.support.services import MongodbServer
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.faults, pytest.mark.mongodb]


@pytest.fixture
def mongodb(system: System) -> Iterator[MongodbServer]:
    """The server, with a system on a new database of it, and two processes that store."""
    missing = MongodbServer.find_missing()
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    server = MongodbServer()
    system.use_mongodb(server)
    system.events_concurrency = 2
    yield server
    server.remove()


@pytest.mark.parametrize("seconds", [180, 420])
def test_a_stall_of_mongodb_costs_nothing(system: System, mongodb: MongodbServer, seconds: int) -> None:
    system.start("web", "events", "daily", "beat")
    with PostingClients(system.url, pause_seconds=0.1) as clients:
        clients.wait_for_batches(40)
        mongodb.pause()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                clients.wait_for_batches(1)
        finally:
            mongodb.resume()
        assert system.redis().xlen("stream:analytics.events"), "nothing waited: this run shows nothing"
        clients.wait_for_batches(40)
    wait_until_all_are_counted(system, clients.ids, seconds=300)
    print(f"a stall of {seconds} s: {len(clients.ids)} events, none lost, none twice")  # noqa: T201


def restart(server: MongodbServer) -> None:
    server.stop()
    time.sleep(3)
    server.start()


def kill(server: MongodbServer) -> None:
    server.kill()
    time.sleep(3)
    server.start()


@pytest.mark.parametrize("end", [restart, kill])
def test_an_end_of_mongodb_under_load_costs_nothing(
    system: System, mongodb: MongodbServer, end: Callable[[MongodbServer], None]
) -> None:
    system.start("web", "events", "daily", "beat")
    with PostingClients(system.url, pause_seconds=0.02) as clients:
        for _ in range(3):
            clients.wait_for_batches(100)
            end(mongodb)
        clients.wait_for_batches(100)
    assert b"events_wait" in system.log("events"), "no drain was hit: this run shows nothing"
    wait_until_all_are_counted(system, clients.ids, seconds=300)
    print(f"{end.__name__}: {len(clients.ids)} events, none lost, none twice")  # noqa: T201
