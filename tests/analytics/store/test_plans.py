"""The plans of the application's queries on a filled MongoDB: none reads a whole collection.

tests/support/mongodb_queries.py records the queries while all other tests run; `bin/test` does both. By hand:
`TEST_STORE=mongodb MONGODB_QUERIES=/tmp/queries bin/test tests/analytics`, then this file with the same
variables.
"""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.support.mongodb_queries import read_recorded

pytestmark = [pytest.mark.only_on("mongodb"), pytest.mark.django_db(transaction=True)]

EVENTS = 20_000
OTHERS = 2_000
_DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def fill(database: Any) -> None:
    """Many documents of each kind, of conferences that the recorded queries do not ask for."""
    types = ["page_view"] * 16 + ["share", "share_open", "registration", "checkin"]
    database["analytics_event"].insert_many(
        {
            "_id": f"event-{number:08}/full-{number % 40}",
            "conference_id": f"full-{number % 40}",
            "type": types[number % 20],
            "ts": _DAY + dt.timedelta(seconds=number),
            "received_at": _DAY + dt.timedelta(seconds=number),
            "local_date": _DAY + dt.timedelta(days=number % 30),
            "visitor_id": f"visitor-{number % 3_000}",
            "session_id": "",
            "subject": f"subject-{number % 5_000}",
            "is_bot": number % 50 == 0,
            "is_attendance": types[number % 20] in ("registration", "checkin"),
            "data": {"page": "/"},
            "properties": {},
            "hold": "",
        }
        for number in range(EVENTS)
    )
    moments = ("marked_at", "computed_at", "created_at", "decided_at", "first_seen_at", "built_at")
    for collection in (
        "analytics_dirtyday", "analytics_dailysummary", "analytics_deadletter", "analytics_holddecision",
        "analytics_appliedsettings", "analytics_unclaimedconference", "analytics_doorrules",
        "analytics_segment",
    ):  # fmt: skip
        database[collection].insert_many(
            {
                "_id": f"full-{number}",
                "conference_id": f"full-{number % 40}",
                "local_date": _DAY + dt.timedelta(days=number % 30),
                "date": _DAY + dt.timedelta(days=number % 30),
                "replayed_at": _DAY,
                "done_at": _DAY,
                "is_stale": False,
                **dict.fromkeys(moments, _DAY),
            }
            for number in range(OTHERS)
        )


def to_explainable(query: dict[str, Any]) -> list[dict[str, Any]]:
    """The commands to explain: writes become reads by their filters, which all servers can explain."""
    collection = query["collection"]
    if query["command"] in ("update", "delete"):
        return [{"find": collection, "filter": part["q"]} for part in query.get(f"{query['command']}s", ())]
    if query["command"] == "findAndModify":
        return [{"find": collection, "filter": query["query"]}]
    parts = {
        name: query[name] for name in ("filter", "query", "pipeline", "sort", "limit", "skip", "key")
        if name in query
    }  # fmt: skip
    cursor = {"cursor": {}} if query["command"] == "aggregate" else {}
    return [{query["command"]: collection, **parts, **cursor}]


def stages(plan: Any) -> Iterator[str]:
    """The names of all stages of a plan, at any depth. A walk along all of `_id_` counts as COLLSCAN: so
    DocumentDB plans what MongoDB plans as one; a bounded part of it has a direction or bounds."""
    if isinstance(plan, dict):
        name = plan.get("stage")
        if isinstance(name, str):
            is_bounded = plan.keys() & {"direction", "indexFilterSet", "indexBounds"}
            walks = name == "IXSCAN" and plan.get("indexName") == "_id_" and not is_bounded
            yield "COLLSCAN" if walks else name
        for part in plan.values():
            yield from stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from stages(part)


def is_page(command: dict[str, Any]) -> bool:
    """Whether it asks for the first few of all, in an order, which MongoDB reads from an index."""
    pipeline = command.get("pipeline", [])
    has_filter = command.get("filter") or any(stage.get("$match") for stage in pipeline)
    has_limit = command.get("limit") or any("$limit" in stage for stage in pipeline)
    return bool(has_limit and not has_filter)


@pytest.fixture
def database() -> Any:
    database = connections["analytics"].database
    fill(database)
    return database


def explain(database: Any, command: dict[str, Any]) -> set[str]:
    return set(stages(database.command("explain", command, verbosity="queryPlanner")))


def test_a_filter_without_an_index_is_seen(database: Any) -> None:
    """The control of the next test."""
    assert "COLLSCAN" in explain(database, {"find": "analytics_event", "filter": {"session_id": "x"}})


@pytest.fixture
def queries() -> list[dict[str, Any]]:
    """Those that the application sent while the other tests ran."""
    path = os.environ.get("MONGODB_QUERIES")
    if not path or not Path(path).exists():
        pytest.skip("MONGODB_QUERIES names no recording; bin/test makes one while the other tests run")
    queries = read_recorded(Path(path))
    assert len(queries) > 20, "the recording is not of a run of all tests"
    return queries


def test_no_query_collects_a_set_in_one_document(queries: list[dict[str, Any]]) -> None:
    """Which may have 16 MB, some 350,000 visitors. Distinct ones are grouped, and the groups counted."""
    collecting = [query["sender"] for query in queries if "$addToSet" in query["shape"]]
    assert not collecting, "\n".join(collecting)


def test_no_query_of_the_application_reads_a_whole_collection(
    database: Any, queries: list[dict[str, Any]]
) -> None:
    whole, lines = [], []
    for query in sorted(queries, key=lambda query: (query["collection"], query["sender"])):
        for command in to_explainable(query):
            found = explain(database, command)
            lines.append(f"{query['sender']}: {query['shape']} → {' '.join(sorted(found))}")
            if "COLLSCAN" in found and not is_page(command):
                whole.append(lines[-1])
    print("\n".join(lines))  # noqa: T201  shown with -s, and when it fails
    assert not whole, "\n".join(whole)
