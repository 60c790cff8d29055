"""Rules by which organizers refuse events at the door, and the counts of refusals."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from analytics.ingest.refusals import read_days, read_totals
from analytics.ingest.rules import check_rules, make_rules
from analytics.models import DoorRules
from conferences.models import Conference
from tests.analytics.ingest.conftest import Door, page_view, read_stream

RULES = "/api/analytics/door/rules?conference_id=summit"
REFUSALS = "/api/analytics/door/refusals?conference_id=summit"
Api = Callable[[User | None], APIClient]


@pytest.mark.parametrize(
    ("origin", "address", "expected"),
    [
        (None, "203.0.113.7", None),
        ("https://good.example", "203.0.113.7", None),
        ("HTTPS://Good.Example", "203.0.113.7", None),
        ("https://bad.example", "203.0.113.7", "origin_not_allowed"),
        ("http://good.example", "203.0.113.7", "origin_not_allowed"),
        ("https://good.example.bad.example", "203.0.113.7", "origin_not_allowed"),
        ("null", "203.0.113.7", "origin_not_allowed"),
        (None, "192.0.2.200", "blocked_address"),
        (None, "::ffff:192.0.2.200", "blocked_address"),
        (None, "2001:db8:1::9", "blocked_address"),
        (None, "2001:db8:2::9", None),
        (None, "", None),
    ],
)
def test_a_sender_is_judged_by_origin_and_address(
    origin: str | None, address: str, expected: str | None
) -> None:
    row = DoorRules(
        allowed_origins=["https://good.example"], blocked_networks=["192.0.2.0/24", "2001:db8:1::/48"]
    )
    assert make_rules(row).refuse_sender(origin=origin, address=address) == expected


def test_requests_without_origin_pass_unless_it_is_required() -> None:
    row = DoorRules(origin_required=True)
    assert make_rules(row).refuse_sender(origin=None, address="203.0.113.7") == "origin_missing"
    assert make_rules(row).refuse_sender(origin="https://any.example", address="203.0.113.7") is None
    row.allowed_origins = ["https://good.example"]
    assert make_rules(row).refuse_sender(origin="null", address="203.0.113.7") == "origin_not_allowed"


@pytest.mark.django_db(transaction=True)
async def test_a_script_without_origin_is_refused_where_wanted(door: Door) -> None:
    await Conference.objects.acreate(id="summit", name="Summit", time_zone="UTC")
    await DoorRules.objects.acreate(conference_id="summit", origin_required=True)
    events = [page_view(), page_view(conference_id="other")]
    answer = await door.send(events)
    assert [item["code"] for item in answer.json()["rejected"]] == ["origin_missing"]
    assert (await door.send(events, origin="https://any.example")).json()["rejected"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"allowed_origins": ["good.example"]},
        {"allowed_origins": ["https://good.example/path"]},
        {"blocked_networks": ["everything"]},
        {"blocked_pages": ["x" * 201]},
        {"blocked_pages": ["x"] * 101},
    ],
)
def test_a_bad_rule_is_named(fields: dict[str, list[str]]) -> None:
    rules: dict[str, list[str]] = {"allowed_origins": [], "blocked_networks": [], "blocked_pages": []}
    with pytest.raises(ValidationError) as caught:
        check_rules(**{**rules, **fields})
    assert set(caught.value.message_dict) == set(fields)


@pytest.mark.django_db(transaction=True)
async def test_refused_events_are_named_counted_and_cost_no_others(door: Door) -> None:
    for conference_id in ("summit", "other"):
        await Conference.objects.acreate(id=conference_id, name="Summit", time_zone="UTC")
    await DoorRules.objects.acreate(
        conference_id="summit", allowed_origins=["https://good.example"], blocked_pages=["/preview/*", "/x"]
    )
    events = [
        page_view(page="/preview/a"),
        page_view(page="/"),
        {"type": "nope"},
        page_view(page="/x", conference_id="other"),
        page_view(page="/x"),
    ]
    answer = await door.send(events, origin="https://good.example")
    assert [(item["index"], item["code"]) for item in answer.json()["rejected"]] == [
        (0, "blocked_page"),
        (2, "unknown_type"),
        (4, "blocked_page"),
    ]
    assert answer.json()["accepted"] == 2

    answer = await door.send(events, origin="https://bad.example")
    assert answer.json()["accepted"] == 1
    assert [item["code"] for item in answer.json()["rejected"]] == [
        "origin_not_allowed", "origin_not_allowed", "unknown_type", "origin_not_allowed",
    ]  # fmt: skip
    assert [row.conference_id for row in read_stream()] == ["summit", "other", "other"]

    await asyncio.sleep(0.8)  # the counts are sent along with the publisher's next look at Redis
    counted = await sync_to_async(read_totals)()
    days = await sync_to_async(read_days)("summit", today=dt.datetime.now(dt.UTC).date())
    assert counted == {"blocked_page": 2, "unknown_type": 2, "origin_not_allowed": 3}
    assert list(days.values()) == [{"blocked_page": 2, "origin_not_allowed": 3}]


@pytest.mark.django_db
def test_an_owner_sets_rules_and_members_read_them(
    conference: Conference, alice: User, bob: User, api: Api
) -> None:
    empty = {"allowed_origins": [], "origin_required": False, "blocked_networks": [], "blocked_pages": []}
    assert api(bob).get(RULES).json() == empty
    assert api(bob).put(RULES, empty, format="json").status_code == 403

    rules = {
        "allowed_origins": ["https://good.example"],
        "origin_required": True,
        "blocked_networks": ["192.0.2.0/24"],
    }
    assert api(alice).put(RULES, rules, format="json").json() == {**empty, **rules}
    assert api(bob).get(RULES).json() == {**empty, **rules}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"allowed_origin": []}, "allowed_origin"),
        ({"blocked_networks": ["x"]}, "blocked_networks"),
        ({"blocked_pages": "x"}, "blocked_pages"),
        ({"origin_required": "perhaps"}, "origin_required"),
    ],
)
def test_a_bad_rule_gets_400_by_name(
    conference: Conference, alice: User, api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api(alice).put(RULES, body, format="json")

    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == {field}


@pytest.mark.django_db
def test_strangers_learn_nothing(conference: Conference, charlie: User, api: Api) -> None:
    for address in (RULES, REFUSALS):
        assert api(charlie).get(address).status_code == 404
        assert api(None).get(address).status_code == 401
