"""The list of uncredited codes and reasons, in the API for organizers and in the admin for operators."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import opened, registered, share

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(conference: Conference) -> None:
    """Three registrations with uncredited codes, on two days."""
    happen(share(1, "va", "aaaa"), share(1, "vo", "elsewhere", conference_id="other"))
    happen(share(1, "vo", "aaaa", conference_id="other"))  # the same code, another link
    happen(opened(2, "va", "aaaa"), registered(3, "va", "r-1"))
    happen(opened(4, "vb", "nobodys"), opened(5, "vb", "elsewhere"), registered(6, "vb", "r-2"))
    happen(opened(1500, "vc", "nobodys"), opened(1501, "vc", "aaaa"), registered(1502, "vc", "r-good"))
    happen(opened(1503, "vd", "nobodys"), registered(1504, "vd", "r-3"))


def listed(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["registration_id"], item["code"], item["reason"]) for item in answer["results"]]


ALL = [
    ("r-3", "nobodys", "unknown_code"),
    ("r-2", "elsewhere", "foreign_code"),
    ("r-2", "nobodys", "unknown_code"),
    ("r-1", "aaaa", "self_referral"),
]


def test_uncredited_codes_are_listed_latest_first(story: None, api: Api, bob: User) -> None:
    answer = get(api(bob), "not-credited")
    assert sorted(listed(answer)) == sorted(ALL)
    assert [key for key, _, _ in listed(answer)] == ["r-3", "r-2", "r-2", "r-1"]
    assert answer["next"] is None
    assert answer["results"][-1] == {
        "registration_id": "r-1", "registered_at": "2026-05-01T01:49:40Z", "code": "aaaa",
        "reason": "self_referral", "message": "the sharer registered", "distance": 1,
    }  # fmt: skip


def test_uncredited_codes_are_read_in_pages(story: None, api: Api, bob: User) -> None:
    seen: list[tuple[str, str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(api(bob), "not-credited", page_size=1, cursor=cursor)
        seen += listed(page)
        cursor = page["next"]
    assert sorted(seen) == sorted(ALL)


@pytest.mark.parametrize("reason", ["unknown_code", "foreign_code", "self_referral", "bot"])
def test_the_list_can_be_filtered_by_reason(story: None, api: Api, bob: User, reason: str) -> None:
    answer = listed(get(api(bob), "not-credited", reason=reason))
    assert sorted(answer) == sorted(row for row in ALL if row[2] == reason)


def test_the_range_selects_registration_days(story: None, api: Api, bob: User) -> None:
    for params, wanted in (({"to": "2026-05-01"}, ALL[1:]), ({"from": "2026-05-02"}, ALL[:1])):
        assert sorted(listed(get(api(bob), "not-credited", **params))) == sorted(wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    # The last value is a cursor whose key is not a number: `[1, "x"]`.
    [("reason", "weather"), ("from", "yesterday"), ("cursor", "!!"), ("cursor", "WzEsIngiXQ")],
)
def test_bad_input_is_named(story: None, api: Api, bob: User, name: str, value: str) -> None:
    response = api(bob).get("/api/sharing/not-credited", {"conference_id": "summit", name: value})
    assert response.status_code == 400
    assert name in response.json()["error"]["details"]


def test_the_admin_list_takes_a_fixed_number_of_queries(
    story: None, django_assert_max_num_queries: Any
) -> None:
    happen(*(opened(2000, f"w{n}", "elsewhere") for n in range(90)))
    happen(*(registered(2001, f"w{n}") for n in range(90)))
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    with django_assert_max_num_queries(8):
        page = admin.get("/admin/sharing/notcredited/").content.decode()
    assert page.count(">a code of another conference</td>") == 91
    assert page.count(">no such code in this conference</td>") == 2
    only = admin.get("/admin/sharing/notcredited/?q=summit&reason=unknown_code").content.decode()
    assert "elsewhere" not in only
    assert only.count("nobodys") == 2


def test_the_admin_filters_by_reason_only_within_searches(story: None) -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    everything = admin.get("/admin/sharing/notcredited/?reason=self_referral")
    assert "?reason=" not in everything.content.decode()
    assert len(everything.context["cl"].result_list) == 4
    found = admin.get("/admin/sharing/notcredited/?q=summit&reason=self_referral")
    assert "reason=bot" in found.content.decode()
    assert [item.registration_id for item in found.context["cl"].result_list] == ["summit/r-1"]
    in_order = admin.get("/admin/sharing/notcredited/?q=summit").context["cl"].result_list
    assert [item.registration_id for item in in_order] == [f"summit/r-{n}" for n in (3, 2, 2, 1)]
    elsewhere = admin.get("/admin/sharing/notcredited/?q=other&reason=self_referral")
    assert not elsewhere.context["cl"].result_list
