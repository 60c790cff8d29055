"""Writes refuse unknown fields by name. NUL and long texts never reach a database."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference, Registration
from conferences.services.checkins import check_in
from meeteasy.core.json_input import TOO_DEEP
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

SUMMIT = "/api/conferences/summit"


@pytest.mark.parametrize(
    ("method", "url", "body", "unknown"),
    [
        ("post", "/api/conferences", {"id": "c", "name": "C", "timezone": "Asia/Shanghai"}, {"timezone"}),
        ("post", "/api/conferences", {"id": "c", "name": "C", "Name": "D", "x" * 99: 1}, {"Name", "x" * 64}),
        ("patch", SUMMIT, {"timezone": "Asia/Shanghai"}, {"timezone"}),
        ("patch", SUMMIT, {"name": "New", "startsAt": None}, {"startsAt"}),
        ("post", f"{SUMMIT}/members", {"username": "charlie", "role": "viewer", "admin": True}, {"admin"}),
        ("post", f"{SUMMIT}/checkins", {"code": "x", "Gate": "North"}, {"Gate"}),
        ("post", "/api/sharing/links", {"conference_id": "summit", "chanel": "mail"}, {"chanel"}),
        (
            "post",
            "/api/sharing/erase",
            {"conference_id": "summit", "sharer": "v", "visitor": "w"},
            {"visitor"},
        ),
        ("post", f"{SUMMIT}/void", {"kind": "link", "key": "k", "reason": "r", "note": "n"}, {"note"}),
    ],
)
def test_unknown_fields_are_refused(
    conference: Conference,
    api: Api,
    alice: User,
    charlie: User,
    method: str,
    url: str,
    body: dict[str, Any],
    unknown: set[str],
) -> None:
    answer = getattr(api(alice), method)(url, body, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == unknown
    assert list(Conference.objects.values_list("id", "name")) == [("summit", "Summit")]


@pytest.mark.parametrize("url", ["/api/conferences", f"{SUMMIT}/registrations"])
def test_deep_json_is_refused_by_the_rule_and_not_as_none(
    conference: Conference, api: Api, alice: User, url: str
) -> None:
    deep = '{"name": ' + "[" * 5000 + "]" * 5000 + "}"
    answer = api(alice).post(url, deep, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == TOO_DEEP


@pytest.mark.parametrize(
    "url", ["", "/registrations/{ann}", "/registrations/{ann}/approve", "/registrations/{ann}/cancel"]
)
def test_an_action_refuses_fields(
    conference: Conference, api: Api, alice: User, ann: Registration, url: str
) -> None:
    address = f"{SUMMIT}{url.format(ann=ann.id)}"
    address += "" if address.endswith(("approve", "cancel")) else ("/cancel" if not url else "/reject")
    answer = api(alice).post(address, {"reason": "no show"}, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == {"reason"}
    ann.refresh_from_db()
    conference.refresh_from_db()
    assert (ann.state, conference.cancelled_at) == ("approved", None)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 50_000,
        b'{"name": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"\\ud800": 1}',
        b'{"time_zone": "\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"questions": [{"key": "a", "kind": "\\ud800", "label": {"en": "A"}}]}',
        b'{"questions": [{"key": "a", "kind": "text", "label": {"en": "A\\u0000"}}]}',
        b'{"questions": [{"key": "a", "kind": "choice", "label": {"en": "A"},'
        b' "options": [{"value": "\\u0000"}]}]}',
        b'{"capacity": ' + b"9" * 5_000 + b"}",
        b'{"capacity": Infinity}',
    ],
)
def test_what_no_store_keeps_is_refused(conference: Conference, api: Api, alice: User, body: bytes) -> None:
    answer = api(alice).patch(SUMMIT, body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) == {"error"}


def test_a_body_may_begin_with_a_byte_order_mark(conference: Conference, api: Api, alice: User) -> None:
    body = '\ufeff{"name": "Gipfel 峰会"}'.encode()
    answer = api(alice).patch(SUMMIT, body, content_type="application/json")
    assert answer.json()["name"] == "Gipfel 峰会"


def test_unknown_and_bad_fields_are_named_together(conference: Conference, api: Api, alice: User) -> None:
    answer = api(alice).patch(SUMMIT, {"time_zone": "CST", "timezone": "CST"}, format="json")
    assert set(answer.json()["error"]["details"]) == {"time_zone", "timezone"}


def test_read_only_fields_may_be_sent_back(conference: Conference, api: Api, alice: User) -> None:
    """A client may read a conference, change a field and send the whole object."""
    whole = api(alice).get(SUMMIT).json()
    answer = api(alice).patch(SUMMIT, {**whole, "venue": "Hall 7"}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {**whole, "venue": "Hall 7"}


@pytest.mark.parametrize(
    "path",
    ["/api/conferences/a%00b", "/api/conferences/summit/registrations/%00", "/api/badges/%00.svg", "/api/%00",
     "/api/conferences/a%00b/registrations", "/api/sharing/links/%00", "/api/notifications/%00",
     "/conf/%00", "/admin/conferences/registration/%00/change/", "/console/c/%00/live/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_path_with_nul_is_not_found(
    conference: Conference, admin_client: Client, path: str, method: str
) -> None:
    answer = getattr(admin_client, method)(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [f"{SUMMIT}/registrations?q=%00", f"{SUMMIT}/registrations?form_id=a%00b", f"{SUMMIT}/checkins?gate=%00",
     "/api/sharing/links?conference_id=%00", "/api/analytics/daily?conference_id=%00",
     "/api/notifications?x=%00",
     "/admin/conferences/registration/?q=%00", "/admin/conferences/registration/?conference__id__exact=%00"],
)  # fmt: skip
def test_a_query_with_nul_is_bad(conference: Conference, admin_client: Client, path: str) -> None:
    answer = admin_client.get(path)
    assert answer.status_code == 400
    if path.startswith("/api/"):
        assert answer.json()["error"]["code"] == "invalid"


def test_a_form_with_nul_is_bad(conference: Conference, admin_client: Client) -> None:
    form = {"action": "approve", "_selected_action": "\0"}
    assert admin_client.post("/admin/conferences/registration/", form).status_code == 400
    urlencoded = "application/x-www-form-urlencoded"
    for url, body in (
        ("/admin/conferences/registration/", "action=approve&_selected_action=%00"),
        ("/admin/login/", "username=%00&password=x"),
        (f"{SUMMIT}/members", "username=%00&role=viewer"),
    ):
        assert admin_client.post(url, body, content_type=urlencoded).status_code == 400, url


@pytest.mark.parametrize(
    ("method", "url", "body", "field"),
    [
        ("post", "/api/conferences", {"id": "c", "name": "x" * 201}, "name"),
        ("post", "/api/conferences", {"id": "x" * 65, "name": "C"}, "id"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "venue": "x" * 301}, "venue"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "phone_region": "CHN"}, "phone_region"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "phone_region": "UK"}, "phone_region"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "time_zone": "x" * 65}, "time_zone"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "languages": ["e" * 40]}, "languages"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "languages": ["\0"]}, "languages"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "capacity": 2**31}, "capacity"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "capacity": 0}, "capacity"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "attribution_window_days": 40_000},
         "attribution_window_days"),
        ("post", "/api/conferences", {"id": "c", "name": "C", "starts_at": "9999-12-31T23:59:59-12:00"},
         "starts_at"),
        ("post", f"{SUMMIT}/members", {"username": "x" * 151, "role": "viewer"}, "username"),
        ("post", f"{SUMMIT}/checkins", {"registration_id": "x" * 65}, "registration_id"),
        ("post", f"{SUMMIT}/checkins", {"registration_id": "\0"}, "registration_id"),
        ("post", f"{SUMMIT}/checkins", {"code": "x", "gate": "x" * 101}, "gate"),
        ("post", f"{SUMMIT}/checkins", {"code": "x", "gate": "\0"}, "gate"),
        ("post", f"{SUMMIT}/registrations", {"name": "x" * 201, "email": "a@example.com"}, "name"),
        ("post", f"{SUMMIT}/registrations", {"name": "A", "email": "a" * 250 + "@example.com"}, "email"),
        ("post", f"{SUMMIT}/registrations", {"name": "A", "email": "a@example.com",
                                             "phone": "+8100777777777777777"}, "phone"),
        ("post", f"{SUMMIT}/registrations/decide", {"action": "approve", "ids": ["x" * 33]}, "ids"),
        ("post", f"{SUMMIT}/registrations/decide", {"action": "approve", "ids": ["\0"]}, "ids"),
    ],
)  # fmt: skip
def test_lengths_are_checked_before_the_database_query(
    conference: Conference,
    api: Api,
    alice: User,
    method: str,
    url: str,
    body: dict[str, Any],
    field: str,
) -> None:
    answer = getattr(api(alice), method)(url, body, format="json")
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["error"]["details"]


def test_an_import_survives_numbers_and_texts_of_any_length(conference: Conference) -> None:
    from conferences.services.importing import import_registrations

    content = (
        "name,email,phone,visitor_id\n"
        "Ann,ann@example.com,+8100777777777777777,\n"
        f"Ben,ben@example.com,,{'v' * 500}\n"
        f"{'x' * 201},cec@example.com,,\n"
        "Dora,dora@example.com,,\n"
    )
    report = import_registrations(conference=conference, content=content.encode(), dry_run=False)
    assert [(error.line, error.field) for error in report.errors] == [(2, "phone"), (4, "name")]
    assert report.created == 2


def test_reading_a_check_in_of_an_erased_member_works(ann: Registration, bob: User, api: Api) -> None:
    check_in(ann.id, by=None)
    assert api(bob).get(f"{SUMMIT}/checkins").json()["results"][0]["checked_in_by"] is None
