"""The protocols of Plausible and Umami, as their trackers speak them."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async

from analytics.models import DoorRules
from conferences.services.keys import create_key
from tests.analytics.ingest.conftest import Door, read_stream
from tests.analytics.ingest.doors.conftest import DOMAIN, WEBSITE, OtherDoor

VIEW = {"n": "pageview", "v": 36, "u": "https://www.example.org/agenda?utm_source=mail#top",
        "d": "www.Example.org", "r": "https://search.example/"}  # fmt: skip
PAYLOAD = {
    "website": WEBSITE, "hostname": "example.org", "screen": "1280x720", "language": "en-US",
    "title": "Agenda", "url": "/agenda?utm_source=mail", "referrer": "https://search.example/",
}  # fmt: skip


def sent(payload: Any, kind: Any = "event") -> dict[str, Any]:
    return {"type": kind, "payload": payload}


async def test_plausibles_page_views_arrive(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    answer = await other.post("/api/event", VIEW)

    assert (answer.status_code, answer.text) == (202, "ok")
    (row,) = read_stream()
    assert (row.type, row.conference_id, len(row.visitor_id)) == ("page_view", "summit", 32)
    assert row.decode_data() == {
        "page": "/agenda", "url": VIEW["u"], "referrer": VIEW["r"], "utm_source": "mail",
    }  # fmt: skip
    assert len(row.event_id) == 36


@pytest.mark.parametrize("props", [{"formId": "vip", "plan": "pro"}, '{"formId": "vip", "plan": "pro"}'])
async def test_plausibles_goals_become_our_types(
    other: OtherDoor, make_conference: Callable[..., Any], props: Any
) -> None:
    await make_conference()
    body = {"name": "Signup", "url": "https://example.org/", "domain": DOMAIN, "props": props}
    answer = await other.post("/api/event", body)

    assert answer.status_code == 202
    (row,) = read_stream()
    assert (row.type, row.subject[:8]) == ("registration", "visitor:")
    assert row.decode_data() == {"form_id": "vip"}
    assert msgspec.json.decode(row.properties) == {"plan": "pro"}


@pytest.mark.parametrize("name", ["engagement", "Outbound Link: Click"])
async def test_what_plausible_sends_besides_is_dropped_and_said(
    other: OtherDoor, make_conference: Callable[..., Any], name: str
) -> None:
    await make_conference()
    answer = await other.post("/api/event", {**VIEW, "n": name})

    assert (answer.status_code, answer.headers["x-plausible-dropped"]) == (202, "1")
    assert read_stream() == []


async def test_a_page_may_be_of_several_sites(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    answer = await other.post("/api/event", {**VIEW, "d": "example.org,unknown.example"})

    assert (answer.status_code, answer.headers["x-plausible-dropped"]) == (202, "1")
    assert len(read_stream()) == 1


@pytest.mark.parametrize("domain", ["unknown.example", "claimed.example", "summit", "", "\0", "x" * 9000])
async def test_a_domain_that_nobody_proved_gets_400(
    other: OtherDoor, make_conference: Callable[..., Any], domain: str
) -> None:
    await make_conference()
    answer = await other.post("/api/event", {**VIEW, "d": domain})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["domain"]
    assert read_stream() == []


async def test_umamis_page_views_arrive(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    answer = await other.post("/api/send", sent(PAYLOAD), content_type="application/json")

    assert answer.status_code == 200
    assert set(answer.json()) == {"cache", "sessionId", "visitId"}
    again = await other.post("/api/send", sent(PAYLOAD), x_umami_cache=answer.json()["cache"])
    assert again.json() == answer.json()
    first, second = read_stream()
    assert first.decode_data() == {
        "page": "/agenda", "url": "https://example.org/agenda?utm_source=mail", "title": "Agenda",
        "referrer": "https://search.example/", "utm_source": "mail",
    }  # fmt: skip
    assert (first.visitor_id, len(first.visitor_id)) == (second.visitor_id, 32)
    assert first.event_id != second.event_id
    assert first.visitor_id not in answer.text


@pytest.mark.parametrize(
    ("url", "page"),
    [(f"/{'字' * 3000}", f"/{'字' * 2047}"), ("//hall//b", "//hall//b"), ("/a\ud83d\0", "/a"), ("\0", "/")],
)
async def test_a_page_with_an_odd_path_counts(
    other: OtherDoor, make_conference: Callable[..., Any], url: str, page: str
) -> None:
    await make_conference()
    await other.post("/api/send", content=json.dumps(sent({**PAYLOAD, "url": url})).encode())
    address = "https://example.org" + url
    await other.post("/api/event", content=json.dumps({**VIEW, "u": address}).encode())

    assert [row.decode_data()["page"] for row in read_stream()] == [page, page]


@pytest.mark.parametrize("hostname", ["", None])
async def test_umamis_servers_may_leave_the_hostname_out(
    other: OtherDoor, make_conference: Callable[..., Any], hostname: str | None
) -> None:
    await make_conference()
    await other.post("/api/send", sent({**PAYLOAD, "hostname": hostname}))

    (row,) = read_stream()
    data = row.decode_data()
    assert (data["page"], data["utm_source"]) == ("/agenda", "mail")


@pytest.mark.parametrize(("given", "seconds_ago"), [(3600, 3600), ("3600", 3600), (None, 0)])
async def test_umamis_servers_may_say_when_it_was(
    other: OtherDoor, make_conference: Callable[..., Any], given: Any, seconds_ago: int
) -> None:
    await make_conference()
    now = int(time.time())
    stamp = given and type(given)(now - int(given))
    answer = await other.post("/api/send", sent({**PAYLOAD, "timestamp": stamp}))

    assert answer.status_code == 200
    (row,) = read_stream()
    assert abs(row.ts_ms - (now - seconds_ago) * 1000) < 5000


async def test_umamis_events_become_our_types(other: OtherDoor, make_conference: Callable[..., Any]) -> None:
    await make_conference()
    payload = {**PAYLOAD, "name": "register", "data": {"form_id": "vip"}, "id": "user-7", "url": None}
    answer = await other.post("/api/send", sent(payload))

    assert answer.status_code == 200
    (row,) = read_stream()
    assert (row.type, row.visitor_id, row.decode_data()) == ("registration", "user-7", {"form_id": "vip"})


@pytest.mark.parametrize("kind", ["identify", "performance", "error"])
async def test_what_umami_sends_besides_is_not_stored(
    other: OtherDoor, make_conference: Callable[..., Any], kind: str
) -> None:
    await make_conference()
    payload = {**PAYLOAD, "id": "u", "data": {"email": "ann@example.com"}}

    assert (await other.post("/api/send", sent(payload, kind))).status_code == 200
    assert read_stream() == []


@pytest.mark.parametrize("website", ["0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e11", "summit", "", None, 7, "\0"])
async def test_an_unknown_website_gets_400(
    other: OtherDoor, make_conference: Callable[..., Any], website: Any
) -> None:
    await make_conference()
    answer = await other.post("/api/send", sent({**PAYLOAD, "website": website}))

    assert answer.status_code == 400
    assert answer.json() == {"error": {"message": "Website not found.", "code": "bad-request", "status": 400}}


@pytest.mark.parametrize(("body", "kind"), [({}, "null"), ({"payload": []}, "an array"), ([1], "null")])
async def test_a_body_without_payload_says_so(other: OtherDoor, body: Any, kind: str) -> None:
    answer = await other.post("/api/send", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"`payload` must be an object, not {kind}."


@pytest.mark.parametrize(("path", "body"), [("/api/event", VIEW), ("/api/send", sent(PAYLOAD))])
async def test_crawlers_rules_and_quotas_hold_at_every_door(
    other: OtherDoor, make_conference: Callable[..., Any], path: str, body: Any
) -> None:
    await make_conference()
    await other.post(path, body, user_agent="Googlebot/2.1")
    await DoorRules.objects.acreate(conference_id="summit", blocked_pages=["/agenda"])
    other.door.ingest._directory._expires = 0.0
    blocked = await other.post(path, body)
    registered = await other.post(
        path, {**VIEW, "n": "signup"} if path == "/api/event" else sent({**PAYLOAD, "name": "signup"})
    )

    assert (blocked.status_code, registered.status_code) == (400, 202 if path == "/api/event" else 200)
    view, registration = read_stream()
    assert (view.is_bot, registration.is_bot) == (True, False)
    assert registration.client, "which the quota of reports counts by"


async def test_a_conference_that_requires_keys_takes_only_a_site_with_one(
    other: OtherDoor, make_conference: Callable[..., Any]
) -> None:
    conference = await make_conference(event_key_required=True)
    assert (await other.post("/api/event", VIEW)).status_code == 401
    assert (await other.post("/api/send", sent(PAYLOAD))).status_code == 401

    _, key = await sync_to_async(create_key)(conference=conference, kind="write", name="site", by=None)
    assert (await other.post(f"/api/event?key={key}", VIEW)).status_code == 202


async def test_doors_that_cannot_look_up_a_site_say_503(other: OtherDoor, door: Door) -> None:
    async def fail(*arguments: Any) -> Any:
        raise ConnectionError

    door.ingest._aliases.in_thread = fail  # type: ignore[method-assign]
    for path, body in (("/api/event", VIEW), ("/api/send", sent(PAYLOAD))):
        answer = await other.post(path, body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
