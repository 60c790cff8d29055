"""Conversions with long chains: an answer has the nearest places and a cursor for the rest."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from conferences.models import Conference
from meeteasy.core.paging import encode_cursor
from sharing.rules.credit_models import CREDIT_MODELS
from sharing.selectors.conversions import PLACES_IN_LIST
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import credits_of, opened, refusals_of, registered, share

LENGTH = 98  # 100 places with the registrant's two links, the maximum that can be credited

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(conference: Conference) -> None:
    """A chain of 98 links, of which one person shared every fifth. The registrant also opened another code
    and made the nearest two links."""
    links = [
        share(n, f"v{n}" if n % 5 else "busy", f"link{n:03}", f"link{n - 1:03}" if n else "")
        for n in range(LENGTH)
    ]
    happen(*links, share(200, "vz", f"link{LENGTH:03}", f"link{LENGTH - 1:03}"))
    happen(share(201, "vz", f"link{LENGTH + 1:03}", f"link{LENGTH:03}"))
    happen(
        opened(300, "vz", f"link{LENGTH + 1:03}"), opened(301, "vz", "nobodys"), registered(302, "vz", "r-z")
    )
    happen(opened(300, "vy", "link001"), registered(302, "vy", "r-y"))


def parts(api: Api, user: User, model: str, page_size: int) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        part = get(api(user), "conversions/r-z", model=model, page_size=page_size, cursor=cursor)
        yield part
        cursor = part["next"]


def places_of(part: dict[str, Any]) -> list[int]:
    return sorted(row["distance"] for row in (*part["credits"], *part["not_credited"]) if row["distance"])


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
def test_lists_show_the_nearest_places_of_each_chain(story: None, api: Api, alice: User, model: str) -> None:
    answer = get(api(alice), "conversions", model=model)
    long, short = sorted(answer["results"], key=lambda row: -len(row["credits"]))
    assert places_of(long) == list(range(1, PLACES_IN_LIST + 1))
    following = get(api(alice), "conversions/r-z", model=model, cursor=long["next"])
    assert min(places_of(following)) == PLACES_IN_LIST + 1
    assert [short["next"], *(row["kind"] for row in short["credits"])] == [None, "direct", "assisted"]

    found = list(parts(api, alice, model, page_size=40))
    assert len(found) == 3
    credits = [row for part in found for row in part["credits"]]
    assert [row["code"] for row in credits] == credits_of("r-z")
    assert [row["kind"] for row in credits] == ["direct", *["assisted"] * (len(credits) - 1)]
    refused = [(row["code"], row["reason"]) for part in found for row in part["not_credited"]]
    assert len(refused) == len(set(refused))
    assert set(refused) == refusals_of("r-z")
    assert long["credits"] == credits[: len(long["credits"])]
    total = sum(row["credit"] for row in credits)
    assert total == pytest.approx(1 if CREDIT_MODELS[model].is_fractional else len(credits))


def test_codes_without_a_place_come_with_the_first_part(story: None, api: Api, alice: User) -> None:
    found = list(parts(api, alice, "full", page_size=2))
    assert {(row["code"], row["reason"]) for row in found[0]["not_credited"]} == {
        ("nobodys", "unknown_code"),
        (f"link{LENGTH:03}", "self_referral"),
        (f"link{LENGTH + 1:03}", "self_referral"),
    }
    assert found[0]["credits"] == []
    assert places_of(found[1]) == [3, 4]
    assert sum(len(part["credits"]) + len(part["not_credited"]) for part in found[1:]) == LENGTH
    assert len(found) == LENGTH / 2 + 1


@pytest.mark.parametrize(
    "cursor", ["3", "x", encode_cursor(0), encode_cursor(10**10), encode_cursor("3"), encode_cursor(3, 4)]
)
def test_an_impossible_place_is_rejected(story: None, api: Api, alice: User, cursor: str) -> None:
    response = api(alice).get("/api/sharing/conversions/r-z", {"conference_id": "summit", "cursor": cursor})
    assert response.status_code == 400
    assert "cursor" in response.json()["error"]["details"]


def test_the_admin_reads_the_nearest_places_once(story: None) -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    with CaptureQueriesContext(connection) as queries:
        response = admin.get("/admin/sharing/shareconversion/summit_2Fr-z/change/")
    page = strip_tags(response.content.decode())
    assert f"{PLACES_IN_LIST}. link" in page
    assert f"{PLACES_IN_LIST + 1}. link" not in page
    assert "…" in page
    for table in ("JOIN sharing_credit ", 'FROM "sharing_notcredited"'):
        assert sum(table in query["sql"] for query in queries) == 1
