"""All orders go by code points, including "first", "last" and the application's own sorting.

bin/test also runs these tests on a PostgreSQL database that sorts by a language.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from conferences.models import Conference
from sharing.models import ShareLink
from sharing.rules.credit_models import CREDIT_MODELS
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import opened, registered, share
from tests.sharing.plain import PlainTree

pytestmark = [pytest.mark.django_db, pytest.mark.ordered]


def test_claims_of_one_instant_sort_by_code_points(admin_client: Client) -> None:
    events: list[dict[str, Any]] = [
        share(0, "root", "parentA"),
        share(0, "root", "parentB"),
        share(30, "ann", "wanted"),
        share(20, "ben", "wanted", "parentA", event_id="a-claim"),
        share(20, "ben", "wanted", "parentB", event_id="B-claim"),
    ]
    happen(*events[:3])
    happen(*events[3:])
    link = ShareLink.objects.get(code="wanted")
    assert (link.sharer, link.parent_id) == ("ben", "summit/parentB")
    assert PlainTree(events).parents["wanted"] == "parentB"

    page = strip_tags(admin_client.get("/admin/sharing/sharelink/summit_2Fwanted/change/").content.decode())
    assert page.index("ben · parentB") < page.index("ben · parentA")


@pytest.mark.parametrize("days", [{}, {"from": "2026-05-01", "to": "2026-05-02"}])
def test_equal_credits_have_the_same_order_under_every_model(
    conference: Conference, api: Api, alice: User, days: dict[str, str]
) -> None:
    names = ["a", "B", "c", "D"]
    happen(*(share(1, f"v-{name}", f"code{name}", channel=f"by-{name}") for name in names))
    happen(*(opened(2, f"guest-{name}", f"code{name}") for name in names[:2]))
    happen(*(registered(3, f"guest-{name}") for name in names[:2]))
    for model in CREDIT_MODELS:
        board = get(api(alice), "leaderboard", model=model, **days)
        assert [row["sharer"] for row in board["results"]] == ["v-B", "v-a"]
        first = get(api(alice), "leaderboard", model=model, page_size=1, **days)
        assert [row["sharer"] for row in first["results"]] == ["v-B"]
        channels = get(api(alice), "channels", model=model, **days)
        assert [row["channel"] for row in channels["results"]] == ["by-B", "by-a", "by-D", "by-c"]


def test_codes_without_a_place_have_a_fixed_order(conference: Conference, api: Api, alice: User) -> None:
    happen(*(opened(1, "guest", f"code{name}") for name in ("a", "B", "c")), registered(2, "guest", "r-1"))
    path = get(api(alice), "conversions/r-1")
    assert [row["code"] for row in path["not_credited"]] == ["codeB", "codea", "codec"]
