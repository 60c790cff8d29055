"""The door warns of conferences that do not exist, without asking the database each time."""

import asyncio
from collections.abc import Collection

import pytest

from analytics.ingest.conferences import FRESH_SECONDS, Directory, Known
from conferences.models import Conference
from tests.analytics.ingest.conftest import Door, page_view, read_stream


class Database:
    """A stand-in for the existing conferences that records every query."""

    def __init__(self, *existing: str) -> None:
        self.existing = set(existing)
        self.asked: list[set[str]] = []
        self.fails = False

    def __call__(self, ids: Collection[str]) -> dict[str, Known]:
        self.asked.append(set(ids))
        if self.fails:
            raise ConnectionError
        return {conference_id: Known("Asia/Shanghai") for conference_id in self.existing & set(ids)}


async def find_missing(directory: Directory, ids: set[str]) -> set[str]:
    _, missing = await directory.look_up(ids)
    return missing


@pytest.mark.django_db(transaction=True)
async def test_an_unknown_conference_is_a_warning(door: Door) -> None:
    await Conference.objects.acreate(id="summit", name="Summit", time_zone="UTC")
    events = [
        page_view(),
        {"type": "nope"},
        page_view(conference_id="sumit"),
        page_view(conference_id="sumit"),
    ]
    answer = await door.send(events)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 3)
    (warning,) = answer.json()["warnings"]
    assert (warning["index"], warning["code"], warning["field"]) == (2, "unknown_conference", "conference_id")
    assert "`sumit`" in warning["message"]
    assert len(read_stream()) == 3
    assert "warnings" not in (await door.send([page_view()])).json()


async def test_each_conference_is_looked_up_only_occasionally() -> None:
    now = 0.0
    database = Database("summit")
    directory = Directory(database, clock=lambda: now)
    directory.forget_stale()
    for _ in range(3):
        assert await find_missing(directory, {"summit", "other"}) == {"other"}
    assert directory.plain == {"summit"}
    assert directory.get_zone("summit") == "Asia/Shanghai"
    assert database.asked == [{"summit", "other"}]

    database.existing.add("other")
    now = FRESH_SECONDS
    directory.forget_stale()
    assert await find_missing(directory, {"summit", "other"}) == set()
    assert len(database.asked) == 2
    directory.close()


async def test_concurrent_requests_ask_once() -> None:
    database = Database()
    directory = Directory(database)
    found = await asyncio.gather(*(find_missing(directory, {"other"}) for _ in range(50)))

    assert found == [{"other"}] * 50
    assert database.asked == [{"other"}]
    directory.close()


async def test_a_database_that_is_away_costs_no_event() -> None:
    now = 0.0
    database = Database()
    database.fails = True
    directory = Directory(database, clock=lambda: now)
    for _ in range(5):
        assert await find_missing(directory, {"other"}) == set()
    assert len(database.asked) == 1

    now, database.fails = 10.0, False
    assert await find_missing(directory, {"other"}) == {"other"}
    directory.close()


async def test_the_remembered_ids_are_bounded() -> None:
    directory = Directory(Database(), clock=lambda: 0.0)
    directory.forget_stale()
    directory._expires = 1.0
    await find_missing(directory, {f"c{number}" for number in range(10_001)})
    assert len(directory._missing) == 10_001

    directory.forget_stale()
    assert directory._missing == set()
    directory.close()
