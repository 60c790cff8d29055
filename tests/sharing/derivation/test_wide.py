"""50,001 children of one link, and a thousand levels, read in pages by the API, the export and the admin."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from conferences.models import Conference
from conferences.services.exporting import work_on_export
from sharing.models import ShareLink
from tests.sharing.api.test_api import download, get

pytestmark = [pytest.mark.only_on("sqlite"), pytest.mark.slow]

CHILDREN = 50_001  # one more than a download may have at once


def test_fifty_thousand_children_are_read_in_pages(
    conference: Conference,
    api: Callable[[User | None], APIClient],
    alice: User,
    django_assert_max_num_queries: Any,
) -> None:
    root = ShareLink.objects.create(
        id="summit/rootroot", conference_id="summit", code="rootroot", sharer="v", first_ms=1, shared_ms=1,
        subtree_links=CHILDREN,
    )  # fmt: skip
    ShareLink.objects.bulk_create(
        (
            ShareLink(
                id=f"summit/child{number:06}", conference_id="summit", code=f"child{number:06}",
                sharer=f"v{number}", parent=root, claimed_parent=root.id, first_ms=2 + number,
                shared_ms=2 + number,
            )
            for number in range(CHILDREN)
        ),
        batch_size=2_000,
    )  # fmt: skip
    client = api(alice)
    codes: list[str] = []
    cursor = None
    while True:
        with django_assert_max_num_queries(12):
            page = get(
                client, "tree", root="rootroot", depth=1, page_size=1000,
                **({"cursor": cursor} if cursor else {}),
            )  # fmt: skip
        codes += [row["code"] for row in page["results"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(codes) == len(set(codes)) == CHILDREN

    answer = client.get("/api/sharing/links", {"conference_id": "summit", "format": "csv"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "too_many_rows")
    exports = "/api/conferences/summit/exports"
    job = client.post(exports, {"export": "links"}, format="json").json()
    while client.get(f"{exports}/{job['id']}").json()["status"] == "queued":
        work_on_export(job["id"])
    assert download(client.get(f"{exports}/{job['id']}/result")).count(b"\n") == CHILDREN + 2

    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    with django_assert_max_num_queries(12):
        assert browser.get("/admin/sharing/sharelink/").status_code == 200
    assert codes_by_more(browser, "root=summit/rootroot", pages=3) == codes[:300]


def codes_by_more(browser: Client, below: str, *, pages: int) -> list[str]:
    """The codes on the admin's page of a tree, and on the pages that its "More" link fetches."""
    codes: list[str] = []
    address = f"/admin/sharing/sharelink/tree/?{below}"
    for _ in range(pages):
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(address).content.decode().rpartition('id="share-tree"')[2]
        assert len(queries) < 10
        codes += re.findall(r'/change/">([^<]+)</a>', page)
        address = html.unescape(re.findall(r'data-level="([^"]*cursor=[^"]*)"', page)[-1])
    return codes


def test_each_of_a_thousand_levels_opens_in_the_admin(conference: Conference) -> None:
    depth = 1000
    names = [f"deep{number:04}" for number in range(depth)]
    ShareLink.objects.bulk_create(
        ShareLink(
            id=f"summit/{name}", conference_id="summit", code=name, sharer=f"v{number}", first_ms=number,
            shared_ms=number,
            parent_id=f"summit/{names[number - 1]}" if number else None, child_count=number < depth - 1,
            subtree_links=depth - 1 - number,
        )
        for number, name in enumerate(names)
    )  # fmt: skip
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    address = "/admin/sharing/sharelink/tree/?conference_id=summit"
    for name in names:
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(address).content.decode()
        assert len(queries) < 10
        assert f">{name}</a>" in page
        found = re.search(r'data-level="([^"]*)"', page)
        address = html.unescape(found[1]) if found else ""
    assert address == ""
    deepest = browser.get(f"/admin/sharing/sharelink/tree/?root=summit/{names[-1]}").content.decode()
    assert f"root=summit%2F{names[-2]}" in deepest  # one level up
    with CaptureQueriesContext(connection) as queries:
        link = browser.get(f"/admin/sharing/sharelink/summit_2F{names[-1]}/change/").content.decode()
    assert len(queries) < 10
    assert [name for name in names if f">{name}</a>" in link] == names[-50:]
