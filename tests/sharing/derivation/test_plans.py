"""The cost of a delivery does not depend on the size of the tree: each statement uses an index."""

from typing import Any

import pytest
from django.db import connection

from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from tests.sharing.cast import opened, registered, row, share
from tests.support.environment import STORE

EARLIER = [
    share(1, "alice", "aaaa"),
    share(2, "bob", "bbbb", "aaaa"),
    opened(3, "carol", "bbbb"),
    registered(9, "carol"),
]
LATER = [
    share(0.5, "alice", "aaaa", "cccc"),  # moves an existing link
    share(0.6, "zoe", "bbbb"),  # she becomes its owner
    share(4, "dave", "dddd", "bbbb"),
    opened(4, "carol", "dddd"),  # happened before her registration
    opened(5, "erin", "dddd"),
    registered(10, "erin"),
    registered(8, "carol"),  # earlier than known so far
]


@pytest.mark.skipif(STORE != "sqlite", reason="PostgreSQL's planner goes by the number of rows")
@pytest.mark.django_db
def test_no_statement_of_a_delivery_scans_a_table() -> None:
    apply_facts(read_facts([row(sent) for sent in EARLIER]))
    plans: list[tuple[str, str]] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "sharing_" in sql and not sql.startswith("EXPLAIN") and (not many or sql.startswith("UPDATE")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params[0] if many else params)
                plans.extend((sql, step[3]) for step in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        apply_facts(read_facts([row(sent) for sent in LATER]))

    # Only the outbox is scanned as a whole. json_each provides the inserted rows.
    scans = {
        (sql, step)
        for sql, step in plans
        if step.startswith("SCAN") and "sharing_dirtydayoutbox" not in sql and "json_each" not in step
        and step.split()[1] not in {"keys", "part", "below", "known", "first", "ranked", "(subquery-5)"}
    }  # fmt: skip
    assert not scans
    assert sum(step.startswith("SEARCH") for _, step in plans) > 15
