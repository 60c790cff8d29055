"""POST and GET /api/conferences, GET and PATCH /api/conferences/<id>"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from conferences import services
from conferences.models import Conference, Member
from conferences.signals import conference_saved

pytestmark = pytest.mark.django_db

PATH = "/api/conferences"
Api = Callable[[User | None], APIClient]
NEW = {"id": "expo-2027", "name": "Expo", "time_zone": "Europe/Berlin"}


def test_a_failing_receiver_does_not_affect_the_request(
    api: Api, alice: User, django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**given: Any) -> None:
        raise RuntimeError("no luck")

    conference_saved.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert api(alice).post(PATH, NEW, format="json").status_code == 201
    finally:
        conference_saved.disconnect(fail)
    assert "no luck" in caplog.text


def details(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["code"] == "invalid"
    found: dict[str, Any] = answer.json()["error"]["details"]
    return found


def test_the_creator_of_a_conference_owns_it(api: Api, charlie: User) -> None:
    answer = api(charlie).post(PATH, NEW, format="json")

    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in NEW} == NEW
    assert Member.objects.get(conference_id="expo-2027").user == charlie
    assert Member.objects.get(conference_id="expo-2027").role == Member.Role.OWNER
    assert api(charlie).get(f"{PATH}/expo-2027").json()["name"] == "Expo"


def test_the_default_zone_is_utc(api: Api, charlie: User) -> None:
    assert api(charlie).post(PATH, {"id": "c", "name": "C"}, format="json").json()["time_zone"] == "UTC"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "-a"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "会议"}, "id"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"time_zone": "CST"}, "time_zone"),
        ({"time_zone": "UTC+8"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"starts_at": "soon"}, "starts_at"),
        ({"starts_at": "2026-05-02T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"}, "ends_at"),
    ],
)
def test_errors_in_a_new_conference_are_named(
    api: Api, charlie: User, fields: dict[str, str], field: str
) -> None:
    assert list(details(api(charlie).post(PATH, {**NEW, **fields}, format="json"))) == [field]
    assert not Conference.objects.exists()


def test_malformed_json_is_reported(api: Api, charlie: User) -> None:
    answer = api(charlie).post(PATH, "{", content_type="application/json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parse_error")


def test_a_taken_id_is_refused_even_for_foreign_conferences(
    api: Api, conference: Conference, charlie: User
) -> None:
    assert list(details(api(charlie).post(PATH, {**NEW, "id": "summit"}, format="json"))) == ["id"]


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_for_an_id_have_one_winner(alice: User) -> None:
    def create(number: int) -> str:
        try:
            services.create_conference(owner=alice, id="wanted", name=f"number {number}")
        except ValidationError as error:
            return ",".join(error.message_dict)
        else:
            return "created"
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(create, range(12)))

    assert outcomes == ["created"] + ["id"] * 11
    assert Member.objects.filter(conference_id="wanted").count() == 1


def test_the_list_has_only_the_users_conferences(
    api: Api, conference: Conference, alice: User, bob: User, charlie: User
) -> None:
    services.create_conference(owner=charlie, id="other", name="Other")

    assert [found["id"] for found in api(alice).get(PATH).json()["results"]] == ["summit"]
    assert [found["id"] for found in api(bob).get(PATH).json()["results"]] == ["summit"]
    assert [found["id"] for found in api(charlie).get(PATH).json()["results"]] == ["other"]


def test_the_list_is_paged_with_constant_queries(
    api: Api, alice: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        services.create_conference(owner=alice, id=f"c{number}", name=f"C {number}")
    client = api(alice)
    with django_assert_max_num_queries(2):  # token, page
        page = client.get(PATH, {"page_size": 5}).json()

    assert len(page["results"]) == 5
    assert set(page) == {"results", "next"}


def test_members_read_but_only_owners_change(
    api: Api, conference: Conference, alice: User, bob: User, charlie: User
) -> None:
    address = f"{PATH}/summit"
    assert api(bob).get(address).status_code == 200
    refused = api(bob).patch(address, {"name": "Mine"}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")
    assert api(charlie).get(address).status_code == 404
    assert api(charlie).patch(address, {"name": "Mine"}, format="json").status_code == 404
    assert api(None).get(address).status_code == 401
    assert api(None).patch(address, {"name": "Mine"}, format="json").status_code == 401

    changed = api(alice).patch(address, {"name": "New name"}, format="json")
    assert changed.status_code == 200
    assert changed.json()["name"] == "New name"
    conference.refresh_from_db()
    assert (conference.name, conference.time_zone) == ("New name", "Asia/Shanghai")


def test_unknown_and_foreign_conferences_look_the_same(
    api: Api, conference: Conference, charlie: User
) -> None:
    foreign, missing = (
        api(charlie).get(f"{PATH}/{conference_id}") for conference_id in ("summit", "nowhere")
    )

    assert foreign.status_code == missing.status_code == 404
    assert foreign.content.replace(b"summit", b"nowhere") == missing.content


def test_an_id_with_nul_is_not_found(api: Api, alice: User) -> None:
    assert api(alice).get(f"{PATH}/a%00b").status_code == 404


def test_the_id_may_be_repeated_but_not_changed(api: Api, conference: Conference, alice: User) -> None:
    assert list(details(api(alice).patch(f"{PATH}/summit", {"id": "other"}, format="json"))) == ["id"]
    same = api(alice).patch(f"{PATH}/summit", {"id": "summit", "name": "Same"}, format="json")
    assert same.json()["name"] == "Same"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"time_zone": "CST"}, "time_zone"), ({"name": ""}, "name"), ({"name": None}, "name")],
)
def test_a_bad_change_is_refused_whole(
    api: Api, conference: Conference, alice: User, fields: dict[str, Any], field: str
) -> None:
    assert list(details(api(alice).patch(f"{PATH}/summit", fields, format="json"))) == [field]
    conference.refresh_from_db()
    assert (conference.name, conference.time_zone) == ("Summit", "Asia/Shanghai")


def test_conferences_cannot_be_replaced_or_deleted(api: Api, conference: Conference, alice: User) -> None:
    for method in ("put", "delete", "post"):
        assert getattr(api(alice), method)(f"{PATH}/summit", NEW, format="json").status_code == 405


def test_a_session_needs_the_csrf_token_for_changes(conference: Conference, alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    assert browser.get(f"{PATH}/summit").status_code == 200
    refused = browser.post(PATH, NEW, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")


def test_there_is_no_trailing_slash(api: Api, conference: Conference, alice: User) -> None:
    assert api(alice).get(f"{PATH}/").status_code == 404
    assert api(alice).get(f"{PATH}/summit/").status_code == 404
