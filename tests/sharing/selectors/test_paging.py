"""Every page of a list costs the same, even if all rows have the same number."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

from conferences.models import Conference
from sharing.models import NotCredited, ShareConversion, ShareLink, ShareRegistration
from sharing.selectors import conversions, links, not_credited, tree

ROWS = 5_000
PAGE = 50
ALWAYS = (None, None)

pytestmark = [pytest.mark.django_db, pytest.mark.ordered]


def work_of(read: Callable[[], Any]) -> int:
    """The database's work for `read`: SQLite's steps, or the rows that PostgreSQL's plans read."""
    done = 0
    if connection.vendor == "sqlite":

        def step() -> None:
            nonlocal done
            done += 1

        connection.connection.set_progress_handler(step, 10)
        read()
        connection.connection.set_progress_handler(None, 0)
        return done

    def count(plan: dict[str, Any]) -> int:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        return int(rows * plan["Actual Loops"]) + sum(map(count, plan.get("Plans", [])))

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal done
        with connection.cursor() as cursor:
            cursor.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            done += count(cursor.fetchone()[0][0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        read()
    return done


@pytest.fixture
def rows(conference: Conference) -> None:
    """A link with many children without children of their own, and as many conversions and uncredited codes.
    Another conference has as many roots."""
    root = ShareLink.objects.create(
        id="summit/root", conference_id="summit", code="root", sharer="v", first_ms=1, shared_ms=1
    )
    ShareLink.objects.bulk_create(
        (
            ShareLink(
                id=f"{place}/{number:06}", conference_id=place, code=f"{number:06}", sharer=f"v{number}",
                parent=parent, first_ms=number, shared_ms=number,
            )
            for place, parent in (("summit", root), ("other", None))
            for number in range(ROWS)
        ),
        batch_size=2000,
    )  # fmt: skip
    registrations = [
        ShareRegistration(
            id=f"summit/{number:06}", conference_id="summit", ms=number, event_id=str(number), window_days=30
        )
        for number in range(ROWS)
    ]
    ShareRegistration.objects.bulk_create(registrations, batch_size=2000)
    ShareConversion.objects.bulk_create(
        (
            ShareConversion(registration=item, conference_id="summit", nearest=root, registered_ms=item.ms)
            for item in registrations
        ),
        batch_size=2000,
    )
    NotCredited.objects.bulk_create(
        (
            NotCredited(
                registration=item,
                link_key=f"summit/x{item.ms}",
                conference_id="summit",
                reason="bot" if item.ms % 100 == 0 else "unknown_code",
                registered_ms=item.ms,
            )
            for item in registrations
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # PostgreSQL's planner depends on the number of rows


READ: dict[str, Callable[[Conference, str, int], tuple[list[Any], str | None]]] = {
    "children": lambda _, cursor, limit: tree.get_level("summit", "summit/root", limit=limit, cursor=cursor),
    "roots": lambda _, cursor, limit: tree.get_level("other", None, limit=limit, cursor=cursor),
    "links": lambda conference, cursor, limit: links.get_page(
        links.get_links(conference), limit=limit, cursor=cursor
    ),
    "conversions": lambda conference, cursor, limit: conversions.get_page(
        conversions.get_conversions(conference, ALWAYS), limit=limit, cursor=cursor
    ),
    "not credited": lambda conference, cursor, limit: not_credited.get_page(
        not_credited.get_not_credited_of(conference, ALWAYS), limit=limit, cursor=cursor
    ),
}


@pytest.mark.parametrize("name", list(READ))
def test_every_page_reads_a_small_part_of_the_list(rows: None, conference: Conference, name: str) -> None:
    read = READ[name]
    cursor: str | None = ""
    seen: list[Any] = []
    costs: list[int] = []
    while cursor is not None:
        at = cursor
        if len(seen) in {0, ROWS * 9 // 10}:
            costs.append(work_of(lambda at=at: read(conference, at, PAGE)))
        page, cursor = read(conference, at, PAGE)
        seen += page
    assert len(seen) == len({item.pk for item in seen}) == ROWS + (name == "links")
    first, late = costs
    everything = work_of(lambda: read(conference, "", ROWS + 1))
    assert 0 < first < everything / 10
    assert 0 < late < everything / 10


def test_control_a_single_condition_reads_all_earlier_rows(rows: None, conference: Conference) -> None:
    """The control: `work_of` shows the cost of a page that is not found by its place."""
    cursor = ""
    for _ in range(ROWS * 9 // 10 // PAGE):
        page, following = tree.get_level("summit", "summit/root", limit=PAGE, cursor=cursor)
        cursor = following or ""
    number, key = page[-1].subtree_conversions, page[-1].id

    def read() -> None:
        found = ShareLink.objects.filter(
            Q(subtree_conversions__lt=number) | Q(id__gt=key),
            conference_id="summit", parent_id="summit/root", subtree_conversions__lte=number,
        ).order_by("parent_id", "-subtree_conversions", "id")  # fmt: skip
        assert len(found[:PAGE]) == PAGE

    first = work_of(lambda: tree.get_level("summit", "summit/root", limit=PAGE))
    assert work_of(read) > first * 10
