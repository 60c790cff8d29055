"""Moving from SQLite to PostgreSQL, and events to MongoDB: every row arrives, and all goes on there."""

import os

import pytest

from tests.support.clients import PostingClients, make_event
from tests.support.counted import recount, wait_until_all_are_counted
from tests.support.services import MongodbServer, PostgresqlServer
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.postgresql, pytest.mark.faults]


def fill(system: System) -> set[str]:
    system.start("web", "events", "daily", "beat")
    with PostingClients(system.url) as clients:
        clients.wait_for_batches(30)
    for number in range(5):
        answer = system.http.post(
            "/api/conferences/test/registrations",
            json={"name": f"Ann {number}", "email": f"ann{number}@example.org"},
        )
        assert answer.is_success
    system.wait_for(lambda: set(recount(system)["ids"]) >= clients.ids, "all to be stored")
    return set(clients.ids)


def move(system: System, *options: str) -> str:
    """As docs/operations.md says; an event comes in meanwhile."""
    with pytest.raises(AssertionError, match="read_only on"):
        system.manage("move_data", *options)
    system.manage("read_only", "on")
    with pytest.raises(AssertionError, match="stop workers and beat"):
        system.manage("move_data", *options)
    for name in ("events", "daily", "beat"):
        system.kill(name)
    assert system.post([make_event("while-moving")]).status_code == 202
    return system.wait_for(lambda: try_to_move(system, *options), "workers to be silent", seconds=40, every=2)


def try_to_move(system: System, *options: str) -> str:
    """What the command prints; "" while workers were at work just now."""
    try:
        return system.manage("move_data", *options)
    except AssertionError as error:
        if "stop workers and beat" not in str(error):
            raise
        return ""


def test_all_rows_move_to_postgresql_and_work_goes_on(system: System, postgresql: PostgresqlServer) -> None:
    ids = fill(system)
    url = postgresql.create_database("moved")
    assert "analytics.Event" in move(system, "--database-url", url)
    with pytest.raises(AssertionError, match="must be empty"):
        system.manage("move_data", "--database-url", url)
    go_on(system, url, ids)


@pytest.mark.faults
@pytest.mark.mongodb
def test_events_move_to_mongodb_and_the_rest_to_postgresql(
    system: System, postgresql: PostgresqlServer
) -> None:
    if not os.environ["TESTS_MONGODB_URI"]:
        pytest.skip("needs MONGODB_URI")
    server = MongodbServer()
    ids = fill(system)
    url = postgresql.create_database("moved_in_part")
    options = ["--mongodb-uri", server.uri, "--mongodb-database", server.database]
    try:
        assert "analytics.Event" in move(system, "--database-url", url, *options)
        system.use_mongodb(server)
        go_on(system, url, ids)
    finally:
        server.remove()


def go_on(system: System, url: str, ids: set[str]) -> None:
    """Start everything on the new databases: old and new events are there, and rows get new ids."""
    system.kill("web")
    system.environment["DATABASE_URL"] = url
    system.manage("read_only", "off")
    system.start("web", "events", "daily", "beat")
    assert system.get("/api/conferences/test/registrations")["results"]
    assert system.post([make_event("after-moving")]).status_code == 202
    user = "from django.contrib.auth.models import User; print(User.objects.create_user('new').pk)"
    assert int(system.run_code(user)) >= 2, "the sequence goes on"
    clients = ids | {"while-moving", "after-moving"}
    own = {event_id for event_id in recount(system)["ids"] if event_id.startswith("own:")}
    wait_until_all_are_counted(system, clients | own)
