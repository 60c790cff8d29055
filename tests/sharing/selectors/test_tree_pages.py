"""Reading the whole tree by following `next`, and links and conversions by their cursors."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from conferences.models import Conference
from sharing.models import ShareLink
from sharing.selectors.tree import get_tree
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import opened, registered, share

pytestmark = [pytest.mark.django_db, pytest.mark.ordered]


@pytest.fixture
def wide(conference: Conference) -> None:
    """60 roots. The first 55 have a child each. The first root has 45 more children, each with one child."""
    happen(*(share(1, f"r{n}", f"root{n:02}") for n in range(60)))
    happen(*(share(2, f"s{n}", f"only{n:02}", f"root{n:02}") for n in range(55)))
    happen(*(share(2, f"c{n}", f"child{n:02}", "root00") for n in range(45)))
    happen(*(share(3, f"d{n}", f"grand{n:02}", f"child{n:02}") for n in range(45)))
    happen(opened(4, "x", "child30"), registered(5, "x"), opened(6, "y", "root59"), registered(7, "y"))


def follow(client: APIClient, *, depth: int, page_size: int) -> list[str]:
    """Follow every `next` and return the codes of all links, with repetitions."""
    codes: list[str] = []
    todo: list[dict[str, Any]] = [{}]
    while todo:
        asked = todo.pop()
        answer = get(client, "tree", depth=depth, page_size=page_size, **asked)
        if answer["next"] is not None:
            todo.append({**asked, "cursor": answer["next"]})
        level = answer["results"]
        while level:
            codes += [link["code"] for link in level]
            todo += [{"root": link["code"], "cursor": link["next"]} for link in level if "next" in link]
            level = [child for link in level for child in link.get("children", [])]
    return codes


@pytest.mark.parametrize(("depth", "page_size"), [(1, 7), (2, 100), (2, 13), (3, 20), (10, 1000)])
def test_following_next_reaches_every_link_once(
    wide: None, api: Api, alice: User, depth: int, page_size: int
) -> None:
    codes = follow(api(alice), depth=depth, page_size=page_size)
    assert sorted(codes) == sorted(ShareLink.objects.values_list("code", flat=True))


def test_next_marks_links_with_more_children(wide: None, api: Api, alice: User) -> None:
    answer = get(api(alice), "tree", depth=2)
    rows = {link["code"]: link for link in answer["results"]}
    assert [link["code"] for link in answer["results"][:3]] == ["root00", "root59", "root01"]
    first = rows["root00"]
    assert (first["child_count"], len(first["children"]), "next" in first) == (46, 20, True)
    assert first["children"][0]["code"] == "child30"  # the only child with a conversion
    assert "next" in first["children"][0]  # the level below was not requested
    assert "next" not in rows["root01"]  # its only child is there
    assert "next" not in rows["root59"]  # it has none
    assert "children" not in rows["root54"]  # the children of this many links do not fit into one answer
    assert "next" in rows["root54"]


@pytest.mark.parametrize("path", ["links", "conversions"])
def test_pages_show_each_row_once_latest_first(
    conference: Conference, api: Api, alice: User, path: str
) -> None:
    # Three rows have the same instant, and pages end between them.
    happen(*(share(1 + n // 3, f"v{n}", f"code{n}") for n in range(10)))
    happen(*(opened(20, f"w{n}", f"code{n}") for n in range(10)))
    happen(*(registered(30 + n // 3, f"w{n}") for n in range(10)))
    name, at = ("code", "first_shared_at") if path == "links" else ("registration_id", "registered_at")
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(api(alice), path, page_size=4, cursor=cursor)
        seen += page["results"]
        cursor = page["next"]
    assert len({item[name] for item in seen}) == len(seen) == 10
    times = [item[at] for item in seen]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_links_that_move_between_queries_cause_no_error(wide: None, place: int) -> None:
    """Simulate a worker that moves links and a rebuild that recreates all of them."""
    queries = 0

    def move(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal queries
        if sql.startswith("SELECT"):
            queries += 1
            if queries == place:
                ShareLink.objects.filter(code__startswith="child").update(parent=None)
                ShareLink.objects.filter(code__startswith="only").delete()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(move):
        answer = get_tree("summit", None, depth=3, limit=100)
    assert queries >= place
    level = answer.results
    while level:
        assert all(child.link.parent_id == node.link.id for node in level for child in node.children or [])
        level = [child for node in level for child in node.children or []]
