"""Comparing what a system has stored and summed up with what its clients sent."""

from typing import Any

from tests.support.recount import FIGURES, recount_database
from tests.support.system import System


def recount(system: System) -> dict[str, Any]:
    """The figures of the conference `test` by tests/support/recount.py, from the tables themselves."""
    given = system.environment.get("DATABASE_URL") or str(system.directory / "meeteasy.sqlite3")
    database = given if system.mongodb is None else system.mongodb.url
    return recount_database(database, "test")


def read_own_ids(system: System) -> list[str]:
    """The ids of the own events of all registrations."""
    return system.run_code(
        "from conferences.models import Registration\n"
        "for row in Registration.objects.all(): print(f'own:reg:{row.id}')"
    ).split()


def wait_until_all_are_counted(system: System, ids: set[str], *, seconds: float = 90, **days: str) -> None:
    """Wait until exactly these ids are stored, each once, and the summaries agree with the recount.

    days: `from` and `to` of the summaries, if not the last month's.
    """

    def all_stored() -> bool:
        return set(recount(system)["ids"]) >= ids

    system.wait_for(all_stored, f"{len(ids)} events to be stored", seconds=seconds)
    token = system.token()

    def summaries() -> dict[str, dict[str, int]]:
        results = system.get("/api/analytics/daily", token=token, conference_id="test", **days)["results"]
        return {row["date"]: {name: row[name] for name in FIGURES} for row in results}

    counted = recount(system)
    assert sorted(counted["ids"]) == sorted(ids), "each id once, and none that was not sent"
    system.wait_for(lambda: summaries() == counted["days"], f"summaries {counted['days']}", seconds=30)
    system.wait_for(lambda: system.redis().xlen("stream:analytics.events") == 0, "an empty stream")
    assert counted["dead_letters"] == 0
