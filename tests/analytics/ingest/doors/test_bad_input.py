"""Bad input at every door: an answer of 4xx in the protocol's own form, and the process lives."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.events.json_values import read_json
from analytics.events.problems import BatchError
from analytics.ingest.app import PATH, Ingest
from analytics.ingest.doors import DOORS
from analytics.ingest.requests import RefusedError, Request
from analytics.ingest.senders import ANYBODY, Sender
from meeteasy.core.json_input import TOO_DEEP
from tests.analytics.ingest.conftest import Door, read_stream
from tests.analytics.ingest.doors.conftest import DOMAIN, WEBSITE, OtherDoor

PATHS = sorted(path for path in DOORS if not path.startswith("//") and not path.endswith("/"))
# One request of each protocol, into which bad values are put.
EXAMPLES: dict[str, dict[str, Any]] = {
    PATH: {"events": [{"type": "page_view", "conference_id": "summit", "page": "/", "extra": 1}]},
    "/api/event": {"n": "pageview", "u": "https://example.org/", "d": DOMAIN, "r": None, "p": {"a": 1}},
    "/api/send": {"type": "event", "payload": {"website": WEBSITE, "url": "/", "name": "signup", "data": {}}},
    "/v1/batch": {"writeKey": "summit", "batch": [
        {"type": "page", "messageId": "m", "anonymousId": "a", "properties": {"path": "/"}, "context": {}},
        {"type": "track", "event": "signup", "messageId": "n", "timestamp": "2026-01-01T00:00:00Z"},
    ], "sentAt": "2026-01-01T00:00:00Z"},
    "/v1/track": {"writeKey": "summit", "event": "signup", "userId": "u", "properties": {"form_id": "f"},
                  "context": {"page": {"path": "/"}, "campaign": {"source": "s"}}},
}  # fmt: skip
BAD_BODIES = {
    "nothing": b"",
    "random bytes": bytes(range(256)) * 4,
    "no object": b"[1, 2]",
    "null": b"null",
    "a text": b'"hello"',
    "deep arrays": b"[" * 60_000,
    "deep objects": b'{"a":' * 12_000,
    "deep but closed": b"[" * 900 + b"]" * 900,
    "a huge number": b"9" * 20_000,
    "lone surrogate": b'"\\ud800"',
    "NUL": b'{"\\u0000": "\\u0000"}',
    "cut off": b'{"events": [{"type": "page_view", "conference_id": ',
}


def is_error_of(path: str, answer: Any) -> bool:
    """Whether an answer is an error as the protocol has it."""
    content = answer.json()
    if path.startswith("/v1/"):
        return content["success"] is False and {"code", "message"} <= set(content)
    if path == "/api/event":
        return bool(content["errors"]) and all(isinstance(each, list) for each in content["errors"].values())
    if path == "/api/send":
        return set(content["error"]) == {"message", "code", "status"}
    return set(content["error"]) == {"code", "message", "details"}


def test_every_door_is_tried() -> None:
    """A new one needs an example and the form of its errors."""
    kinds = {type(DOORS[path]) for path in PATHS}
    assert {type(DOORS[path]) for path in EXAMPLES} == kinds
    assert len(PATHS) >= 16


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_bad_bodies_are_refused(
    other: OtherDoor, make_conference: Callable[..., Any], body: bytes
) -> None:
    await make_conference()
    for path in PATHS:
        answer = await other.post(path, content=body, authorization="")
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert is_error_of(path, answer), (path, answer.text)
        packed = await other.post(path, content=body, content_encoding="gzip")
        assert packed.status_code in (400, 413)  # 413 where the door's limit is below the body's size
        assert is_error_of(path, packed), (path, packed.text)
        other_encoding = await other.post(path, content=body, content_encoding="br")
        assert other_encoding.status_code in (413, 415)
        assert is_error_of(path, other_encoding), (path, other_encoding.text)
    assert read_stream() == []


@pytest.mark.parametrize("path", EXAMPLES)
async def test_deep_json_is_refused_by_the_rule(other: OtherDoor, path: str) -> None:
    answer = await other.post(path, content=b"[" * 5000)
    assert answer.status_code == 400
    assert TOO_DEEP in answer.text


@pytest.mark.parametrize("path", EXAMPLES)
async def test_bombs_and_large_bodies_cost_no_memory(other: OtherDoor, path: str) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    parts = 0

    async def receive() -> dict[str, Any]:
        nonlocal parts
        parts += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    tracemalloc.start()
    for _ in range(3):
        answer = await other.post(path, content=bomb, content_encoding="gzip")
        assert (answer.status_code, is_error_of(path, answer)) == (413, True)
    sent: list[Any] = []  # 100 MB, undeclared and without an end
    scope = {"method": "POST", "path": path, "headers": [], "client": ("203.0.113.7", 1)}
    await other.door.ingest(scope, receive, send)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sent[0]["status"] == 413
    assert parts <= 10
    assert peak < 5_000_000


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_get_405(other: OtherDoor, path: str, method: str) -> None:
    answer = await other.door.request(method, path=path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert is_error_of(path, answer)


async def test_a_client_over_its_rate_is_told_in_its_protocol(settings: Any) -> None:
    settings.INGEST_RATE_PER_SECOND = 1
    ingest = Ingest()
    await ingest.start()
    other = OtherDoor(Door(ingest))
    for path, body in EXAMPLES.items():
        answers = [await other.post(path, body) for _ in range(4)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited, path
        assert all(is_error_of(path, answer) and answer.headers["retry-after"] for answer in limited)
    await ingest.stop()


BAD_VALUES = [
    None, True, 0, -1, 1.5, 10**40, 1e308, "", "\0", "\ud800", "x" * 9000, [], {}, [[]] * 9, {"a": {"b": []}},
    "2026-13-45T99:99:99Z", "9999-12-31T23:59:59-14:00", "https://[", "//", "%00", "@", -(2**70),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inner for found in places(part, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("path", EXAMPLES)
async def test_a_bad_value_anywhere_gets_an_answer(
    other: OtherDoor, make_conference: Callable[..., Any], path: str
) -> None:
    """Every place of a request with every bad value: 2xx or 4xx, never an exception."""
    await make_conference()
    example = EXAMPLES[path]
    for place in places(example):
        for bad in BAD_VALUES:
            body = json.dumps(replaced(example, place, bad)).encode()
            answer = await other.post(path, content=body)
            assert answer.status_code in (200, 202, 400, 401), (place, bad, answer.text)
            assert answer.status_code < 300 or is_error_of(path, answer)
    stored = read_stream()
    assert stored
    assert all("\\u0000" not in row.data + row.properties and len(row.visitor_id) <= 64 for row in stored)
    assert not other.door.ingest._directory._paused_until, (
        "no name that the database cannot take was asked for"
    )
    assert not other.door.ingest._aliases._paused_until


texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["", "\0", "\ud800", "summit", DOMAIN]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


class KnowsEverything:
    """Stands for all keys and sites being valid, to get beyond them."""

    async def identify(self, text: str) -> Sender:
        return ANYBODY

    async def identify_by(self, text: str) -> tuple[Sender, str]:
        return Sender("summit", is_secret=True), "summit"

    async def find_site(self, name: str) -> str:
        return "summit"


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES)
@settings(max_examples=200)
@given(data=st.data())
async def test_no_value_makes_a_door_fail(path: str, data: st.DataObject) -> None:
    example = EXAMPLES[path]
    body = data.draw(values) if data.draw(st.booleans()) else example
    for _ in range(data.draw(st.integers(0, 3))):
        body = replaced(body, data.draw(st.sampled_from(places(body))), data.draw(values))
    request = Request(path, b"", b"", b"", b"", b"", b"", b"", "203.0.113.7")
    door: Any = DOORS[path]
    with suppress(BatchError, RefusedError):
        sent = await door.translate(read_json(json.dumps(body).encode()), request, KnowsEverything())
        assert len(sent.contexts) in (0, len(sent.events))
