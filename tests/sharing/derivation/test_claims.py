"""Many claims to one link decide its owner and parent without reading earlier claims again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from sharing.models import ShareLink
from tests.sharing.cast import deliver, share
from tests.sharing.plain import PlainTree

pytestmark = pytest.mark.ordered

CLAIMS = 2_000
# Claims by the owner and by a stranger, each later than the last and with another parent.
MANY = [
    share(100 + number, ("ann", "ben")[number % 2], "wanted", f"parent{number % 7}")
    for number in range(CLAIMS)
]

COUNT = "SELECT count(*) FROM"


@contextmanager
def counted_rows() -> Iterator[list[int]]:
    """Collect the number of rows of each SELECT in the block."""
    counts: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "WITH")) and "advisory" not in sql and COUNT not in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"{COUNT} ({sql}) AS counted", params)
                counts.append(cursor.fetchone()[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield counts


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("claim", "owner", "parent"),
    [
        (share(5000, "ann", "wanted", "parent6"), "ann", "parent0"),
        (share(5000, "cat", "wanted", "parent6"), "ann", "parent0"),
        (share(50, "ann", "wanted"), "ann", None),
        (share(50, "ann", "wanted", "parent6"), "ann", "parent6"),
        (share(50, "ben", "wanted"), "ben", None),
        (share(5000, "ben", "wanted", "parent6", proven=True), "ben", "parent6"),
        (share(5, "cat", "wanted", "parent6", received=5000), "ann", "parent0"),
        (share(50, "ben", "wanted", "parent6"), "ben", "parent6"),
        (share(50, "cat", "wanted"), "cat", None),
        (share(5000, "ann", "wanted", "parent6", bot=True), "ann", "parent0"),
    ],
)
def test_a_further_claim_reads_only_a_few_rows(claim: dict[str, Any], owner: str, parent: str | None) -> None:
    parents = [share(number, "root", f"parent{number}") for number in range(7)]
    deliver(*parents, *MANY)
    with counted_rows() as counts:
        deliver(claim)
    assert sum(counts) < 20
    assert counts  # otherwise nothing was counted
    link = ShareLink.objects.get(code="wanted")
    assert (link.sharer, link.parent and link.parent.code, link.is_contested) == (owner, parent, True)
    plain = PlainTree([*parents, *MANY, claim])
    assert (plain.sharers["wanted"], plain.parents["wanted"]) == (owner, parent)
