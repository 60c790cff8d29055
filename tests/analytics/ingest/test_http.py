"""The answers of `POST /api/analytics/events`, from the request's headers to its limits."""

import asyncio
import gzip
import tracemalloc
from typing import Any

import msgspec
import pytest
from django.conf import LazySettings

from analytics.ingest.app import Ingest
from tests.analytics.ingest.conftest import Door, page_view, read_stream


def error_of(answer: Any) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    return error


async def test_a_batch_answered_202_is_in_the_stream(door: Door) -> None:
    answer = await door.send([page_view(page="/a"), page_view(page="/b")])

    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "rejected": []}
    assert answer.headers["content-type"] == "application/json"
    assert [row.decode_data()["page"] for row in read_stream()] == ["/a", "/b"]


async def test_any_origin_may_send_and_read_the_answer(door: Door) -> None:
    answer = await door.send([page_view()], origin="https://other.example")

    # Named, because sendBeacon always sends cookies; they are not read.
    assert answer.headers["access-control-allow-origin"] == "https://other.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "retry-after" in answer.headers["access-control-expose-headers"]


async def test_a_preflight_allows_the_headers_that_clients_send(door: Door) -> None:
    answer = await door.request(
        "OPTIONS",
        origin="https://other.example",
        access_control_request_method="POST",
        access_control_request_headers="content-type, traceparent",
    )

    assert answer.status_code == 204
    assert "content-length" not in answer.headers  # RFC 9110, 8.6
    assert answer.headers["access-control-allow-origin"] == "https://other.example"
    assert "traceparent" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"]


async def test_a_preflight_allows_what_monitoring_tools_add_to_requests(door: Door) -> None:
    asked = "content-type,x-datadog-trace-id, newrelic,b3"
    allowed = [
        (await door.request("OPTIONS", origin="https://other.example", access_control_request_headers=names))
        .headers["access-control-allow-headers"]
        .split(", ")
        for names in (asked, "x" * 2000)
    ]

    assert allowed[0][-2:] == ["content-type,x-datadog-trace-id", "newrelic,b3"]
    assert all("traceparent" in names and len(names) < 20 for names in allowed)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_other_methods_get_405_with_the_allowed_ones(door: Door, method: str) -> None:
    answer = await door.request(method)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert error_of(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain;charset=UTF-8", ""]
)
async def test_json_may_be_sent_as_plain_text(door: Door, content_type: str) -> None:
    assert (await door.send([page_view()], content_type=content_type)).status_code == 202


async def test_another_content_type_gets_415(door: Door) -> None:
    answer = await door.send([page_view()], content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
async def test_a_gzip_body_is_unpacked(door: Door, encoding: str) -> None:
    content = gzip.compress(msgspec.json.encode({"events": [page_view()]}))

    assert (await door.send(content=content, content_encoding=encoding)).status_code == 202
    assert len(read_stream()) == 1


async def test_all_members_of_a_gzip_body_are_read(door: Door) -> None:
    body = msgspec.json.encode({"events": [page_view(), page_view()]})
    content = gzip.compress(body[:30]) + gzip.compress(body[30:])

    answer = await door.send(content=content, content_encoding="gzip")

    assert answer.json()["accepted"] == 2


async def test_a_padded_gzip_body_is_read(door: Door) -> None:
    body = msgspec.json.encode({"events": [page_view(), page_view()]})
    content = gzip.compress(body[:30]) + bytes(512) + gzip.compress(body[30:]) + bytes(1000)

    answer = await door.send(content=content, content_encoding="gzip")

    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize(
    "content",
    [
        b"not gzip at all",
        gzip.compress(b"") * 101,  # each member copies the rest, so many members would take seconds
        b"",
        gzip.compress(msgspec.json.encode({"events": [page_view()]}))[:-9],
        gzip.compress(msgspec.json.encode({"events": [page_view()]})) + b"rubbish behind",
    ],
    ids=["not gzip", "many members", "empty", "truncated", "followed by rubbish"],
)
async def test_invalid_gzip_gets_400(door: Door, content: bytes) -> None:
    answer = await door.send(content=content, content_encoding="gzip")

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "invalid_gzip"
    assert read_stream() == []


async def test_a_gzip_bomb_gets_413_without_being_unpacked(door: Door) -> None:
    bomb = gzip.compress(b"[" * 100_000_000)
    assert len(bomb) < 512 * 1024  # passes as sent

    tracemalloc.start()
    answer = await door.send(content=bomb, content_encoding="gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.status_code == 413
    assert peak < 5_000_000


async def test_another_content_encoding_gets_415(door: Door) -> None:
    answer = await door.send([page_view()], content_encoding="br")

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_encoding"


async def test_a_large_body_gets_413_even_undeclared(door: Door) -> None:
    content = b'{"events": [' + b" " * 600 * 1024 + b"]}"

    declared = await door.send(content=content)
    lied = await door.send(content=content, content_length="10")

    for answer in (declared, lied):
        assert answer.status_code == 413
        assert error_of(answer)["code"] == "too_large"


async def test_a_declared_excess_is_refused_unread(door: Door) -> None:
    reads = 0

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    for length, most in ((b"600000", 0), (b"9" * 5000, 0), (b"x", 9), (b"", 9)):
        sent: list[Any] = []
        reads = 0
        scope = {"method": "POST", "headers": [(b"content-length", length)], "client": ("::1", 1)}

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        await door.ingest(scope, receive, send)
        assert sent[0]["status"] == 413
        assert reads <= most


async def test_a_client_that_hangs_up_gets_no_answer(door: Door) -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await door.ingest({"method": "POST", "headers": [], "client": None}, receive, send)

    assert sent == []


async def test_a_batch_has_at_most_500_events(door: Door) -> None:
    most = await door.send([page_view()] * 500)
    more = await door.send([page_view()] * 501)

    assert most.json()["accepted"] == 500
    assert more.status_code == 413
    assert error_of(more)["code"] == "too_many_events"
    assert len(read_stream()) == 500


async def test_a_client_over_its_rate_gets_429(settings: LazySettings) -> None:
    settings.INGEST_RATE_PER_SECOND = 2
    ingest = Ingest()
    await ingest.start()
    door = Door(ingest)

    answers = [await door.send([page_view()]) for _ in range(8)]
    other = await door.send([page_view()], address="198.51.100.1")
    limited = [answer for answer in answers if answer.status_code == 429]

    assert 1 <= len(limited) <= 4  # a burst of twice the rate passes
    assert int(limited[0].headers["retry-after"]) >= 1
    assert error_of(limited[0])["code"] == "rate_limited"
    assert other.status_code == 202
    await asyncio.sleep(int(limited[0].headers["retry-after"]))
    assert (await door.send([page_view()])).status_code == 202
    await ingest.stop()


async def test_the_first_request_starts_a_door_without_lifespan() -> None:
    ingest = Ingest()
    answers = await asyncio.gather(*(Door(ingest).send([page_view()]) for _ in range(5)))

    assert [answer.status_code for answer in answers] == [202] * 5
    await ingest.stop()


async def test_a_bots_events_are_taken_and_marked(door: Door) -> None:
    await door.send([page_view()], user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    await door.send([page_view()])
    await door.send([page_view()], user_agent="curl/8.5.0")

    assert [row.is_bot for row in read_stream()] == [True, False, False]
