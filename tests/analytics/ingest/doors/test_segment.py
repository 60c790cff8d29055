"""Segment's protocol, as the SDKs of Segment and RudderStack really send it."""

import base64
import gzip
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async

from analytics.event_types import SECRET_PREFIX
from conferences.models import Conference
from conferences.services.keys import create_key
from tests.analytics.ingest.conftest import read_stream
from tests.analytics.ingest.doors.conftest import OtherDoor

# What analytics-next sends for `analytics.page()`, shortened to what matters.
PAGE = {
    "type": "page",
    "messageId": "ajs-next-1764450000000-3e1f0a6c-0b52-44d8-9c63-0a5b4f4d7a11",
    "anonymousId": "8a2c2c0e-8d0e-4f0a-8f57-b8b0f8a4f1c2",
    "userId": None,
    "timestamp": "2026-01-01T00:00:00.000Z",
    "sentAt": "2026-01-01T00:00:01.000Z",
    "writeKey": "summit",
    "properties": {
        "path": "/agenda", "referrer": "https://search.example/", "search": "?a=1", "title": "Agenda",
        "url": "https://example.org/agenda?a=1", "hall": "A",
    },
    "context": {
        "campaign": {"source": "mail", "name": "spring"},
        "page": {"path": "/elsewhere", "url": "https://example.org/elsewhere"},
        "traits": {"email": "ann@example.com"},
        "userAgent": "Mozilla/5.0", "library": {"name": "analytics.js"},
    },
}  # fmt: skip


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def fields(row: Any) -> dict[str, Any]:
    return {**row.decode_data(), "properties": msgspec.json.decode(row.properties)}


@pytest.mark.parametrize(
    ("given", "visitor_id"),
    [
        (12.0, "12"),
        (5e19, "u"),
        (18446744073709551615, "18446744073709551615"),
        (True, "u"),
        ({}, "u"),
        ("", "u"),
        ("undefined", "u"),
        ("00000000-0000-0000-0000-000000000000", "u"),
    ],
)
async def test_a_number_is_a_visitors_id(
    other: OtherDoor, make_conference: Callable[..., Any], given: object, visitor_id: str
) -> None:
    await make_conference()
    await other.post("/v1/page", {"anonymousId": given, "userId": "u", "writeKey": "summit"})

    assert [row.visitor_id for row in read_stream()] == [visitor_id]


async def test_an_empty_id_or_time_is_none(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    answer = await other.post("/v1/page", {**PAGE, "messageId": "", "timestamp": ""})

    assert answer.status_code == 200
    (row,) = read_stream()
    assert (len(row.event_id), row.ts_ms) == (36, row.received_ms)


@pytest.mark.parametrize("path", ["/v1/page", "/v1/p", "/v1/p/", "http://testserver//v1/page"])
async def test_a_page_is_a_page_view(
    other: OtherDoor, make_conference: Callable[..., Any], path: str
) -> None:
    await make_conference()
    answer = await other.post(path, PAGE)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (row,) = read_stream()
    assert (row.type, row.event_id, row.visitor_id) == ("page_view", PAGE["messageId"], PAGE["anonymousId"])
    assert row.received_ms - row.ts_ms == 1000, "corrected by the client's clock"
    assert fields(row) == {
        "page": "/agenda",
        "url": "https://example.org/agenda?a=1&utm_source=mail&utm_campaign=spring",
        "referrer": "https://search.example/",
        "title": "Agenda",
        "utm_source": "mail",
        "utm_campaign": "spring",
        "properties": {"hall": "A"},
    }
    assert "ann@example.com" not in repr(row)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""]
)
async def test_a_batch_of_any_content_type_is_read(
    other: OtherDoor, make_conference: Callable[..., Any], content_type: str
) -> None:
    """As rudder-sdk-node sends it: packed, the key in the header alone, no time in the items but one."""
    await make_conference()
    at = "2026-01-01T00:00:00Z"
    message = {"type": "track", "event": "Signed Up", "userId": 17, "originalTimestamp": at,
               "messageId": "m-1", "properties": {"plan": "pro"}}  # fmt: skip
    body = gzip.compress(msgspec.json.encode({"batch": [message], "sentAt": at}))
    answer = await other.post(
        "/v1/batch", content=body, content_encoding="gzip", content_type=content_type,
        authorization=basic("summit"),
    )  # fmt: skip

    assert answer.json() == {"success": True}
    (row,) = read_stream()
    assert (row.type, row.event_id, row.visitor_id) == ("registration", "m-1", "17")
    assert fields(row) == {"form_id": "Signed Up", "properties": {"plan": "pro"}}
    assert abs(row.received_ms - row.ts_ms) < 1000


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("Registration Completed", {"formId": "vip", "registration_id": "r-1"},
         ("registration", {"form_id": "vip", "registration_id": "r-1"})),
        ("user_signed_up", {}, ("registration", {"form_id": "user_signed_up"})),
        ("Shared", {"Share Code": "A1b2C3d4", "channel": "mail"},
         ("share", {"share_code": "A1b2C3d4", "channel": "mail"})),
        ("Checked In", {"registrationId": "r-1"},
         ("checkin", {"method": "reported", "registration_id": "r-1"})),
        ("Chat Message Sent", {"message": "Hello!"}, ("ai_chat", {"message_length": 6})),
        ("Page Viewed", {"url": "https://example.org/a"}, ("page_view", {"page": "/a"})),
        ("Page Viewed", {"path": f"/{'a' * 3000}"}, ("page_view", {"page": f"/{'a' * 2047}"})),
        ("Signed Up", {"formId": 3}, ("registration", {"form_id": "3"})),
        ("Signed Up", {"formId": {"id": 3}}, ("registration", {"form_id": "Signed Up"})),
        ("Signed Up", {"form_id": "f" * 600}, ("registration", {"form_id": "f" * 512})),
        ("Checked In", {"method": None}, ("checkin", {"method": "reported"})),
    ],
)  # fmt: skip
async def test_tracked_names_become_our_types(
    other: OtherDoor, make_conference: Callable[..., Any], name: str, properties: Any, expected: Any
) -> None:
    await make_conference()
    body = {
        "type": "track",
        "event": name,
        "properties": properties,
        "anonymousId": "a",
        "writeKey": "summit",
    }
    answer = await other.post("/v1/t", body)

    assert answer.json() == {"success": True}
    (row,) = read_stream()
    kind, own = expected
    assert row.type == kind
    assert own.items() <= fields(row).items()
    assert "Hello!" not in repr(row)


async def test_an_unknown_name_is_named_and_costs_no_other(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    await make_conference()
    batch = [{"type": "track", "event": "Video Played"}, {**PAGE, "writeKey": None}, "nonsense",
             {"type": "identify", "userId": "u", "traits": {"email": "ann@example.com"}}]  # fmt: skip
    answer = await other.post("/v1/batch", {"writeKey": "summit", "batch": batch})

    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert [(item["index"], item["code"]) for item in answer.json()["rejected"]] == [
        (0, "unknown_name"), (2, "not_an_object"),
    ]  # fmt: skip
    assert [row.type for row in read_stream()] == ["page_view"]


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/i", "/v1/group", "/v1/alias"])
async def test_people_are_never_stored(
    other: OtherDoor, make_conference: Callable[..., Any], path: str
) -> None:
    await make_conference()
    body = {"writeKey": "summit", "userId": "u", "traits": {"email": "ann@example.com"}}
    answer = await other.post(path, body)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert read_stream() == []


async def test_a_mail_address_is_no_visitor_id(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    await other.post("/v1/page", {"userId": "Ann@example.com", "writeKey": "summit", "name": "Home"})

    (row,) = read_stream()
    assert len(row.visitor_id) == 64
    assert row.decode_data()["page"] == "Home"


@pytest.mark.parametrize("key", ["", "nonsense", "wk_nowhere_" + "0" * 40, "a/b", "\0", "x" * 500])
async def test_a_wrong_key_gets_401(other: OtherDoor, make_conference: Callable[..., Any], key: str) -> None:
    await make_conference()
    for given in ({"writeKey": key}, {}):
        headers = {} if given else {"authorization": basic(key)}
        answer = await other.post("/v1/page", {**PAGE, "writeKey": None, **given}, **headers)
        assert answer.status_code == 401
        # RudderStack's Python client needs both, or it sends again.
        assert set(answer.json()) == {"success", "code", "message"}
    assert read_stream() == []


async def test_where_keys_are_required_the_conferences_id_is_none(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    conference = await make_conference(event_key_required=True)
    _, key = await sync_to_async(create_key)(conference=conference, kind="write", name="app", by=None)

    assert (await other.post("/v1/page", PAGE)).status_code == 401
    assert (await other.post("/v1/page", {**PAGE, "writeKey": key})).json() == {"success": True}


async def test_a_servers_events_are_confirmed_and_speak_for_visitors(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    conference = await make_conference()
    _, key = await sync_to_async(create_key)(conference=conference, kind="secret", name="server", by=None)
    batch = [
        {"type": "page", "messageId": f"m-{agent}", "context": {"ip": "198.51.100.9", "userAgent": agent}}
        for agent in ("Mozilla/5.0", "Googlebot/2.1")
    ]
    answer = await other.post("/v1/batch", {"batch": batch}, authorization=basic(key), user_agent="python")

    assert answer.json() == {"success": True}
    by_id = {row.event_id: row for row in read_stream()}
    assert set(by_id) == {f"{SECRET_PREFIX}m-Mozilla/5.0", f"{SECRET_PREFIX}m-Googlebot/2.1"}
    assert [row.is_bot for row in by_id.values()] == [False, True]
    assert all(len(row.visitor_id) == 32 for row in by_id.values())


async def test_a_message_has_at_most_32_kb(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    large = {**PAGE, "properties": {"path": "/", "text": "x" * 40_000}}
    alone = await other.post("/v1/page", large)
    together = await other.post("/v1/batch", {"writeKey": "summit", "batch": [large, PAGE]})

    assert alone.status_code == 400
    assert alone.json()["rejected"][0]["code"] == "too_large"
    assert [item["code"] for item in together.json()["rejected"]] == ["too_large"]
    assert len(read_stream()) == 1


async def test_a_batch_beyond_an_entrys_limit_is_taken_whole(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    await make_conference()
    batch = [{"type": "page", "messageId": f"m-{number}", "anonymousId": "a"} for number in range(1200)]
    answer = await other.post("/v1/batch", {"writeKey": "summit", "batch": batch})

    assert answer.json() == {"success": True}
    assert len({row.event_id for row in read_stream()}) == 1200


@pytest.mark.parametrize("path", ["/v1/page", "/api/event", "/api/send"])
async def test_preflights_allow_what_the_sdks_send(other: OtherDoor, path: str) -> None:
    answer = await other.door.request(
        "OPTIONS", path=path, origin="https://example.org", access_control_request_method="POST"
    )
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert answer.status_code == 204
    assert {
        "authorization",
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
        "anonymousid",
        "sentat",
        "x-retry-count",
        "x-umami-cache",
        "x-umami-website-id",
        "x-umami-hostname",
    } <= allowed
    assert answer.headers["access-control-allow-origin"] == "https://example.org"
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_conference_is_counted_by_its_key_alone(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    await make_conference()
    await Conference.objects.acreate(id="victim", name="Victim", time_zone="UTC")
    body = {
        "writeKey": "summit",
        "type": "track",
        "event": "registration",
        "anonymousId": "a",
        "properties": {"conference_id": "victim", "visitor_id": "v", "event_id": "e", "type": "share"},
    }
    await other.post("/v1/track", body)

    (row,) = read_stream()
    assert (row.conference_id, row.visitor_id, row.type) == ("summit", "a", "registration")
