"""One link with 100,000 children, read by pages: in the API, the export and the admin."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from conferences.models import Conference
from sharing.models import ShareLink
from tests.sharing.test_api import download, get

CHILDREN = 100_000


def test_a_hundred_thousand_children_are_read_by_pages(
    conference: Conference,
    api: Callable[[User | None], APIClient],
    alice: User,
    django_assert_max_num_queries: Any,
) -> None:
    root = ShareLink.objects.create(
        id="summit/rootroot", conference_id="summit", code="rootroot", sharer="v", first_ms=1,
        subtree_links=CHILDREN,
    )  # fmt: skip
    ShareLink.objects.bulk_create(
        (
            ShareLink(
                id=f"summit/child{number:06}", conference_id="summit", code=f"child{number:06}",
                sharer=f"v{number}", parent=root, claimed_parent=root.id, first_ms=2 + number,
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
    assert download(answer).count(b"\n") == CHILDREN + 2

    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    with django_assert_max_num_queries(12):
        assert browser.get("/admin/sharing/sharelink/").status_code == 200
