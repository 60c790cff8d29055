"""Keys at the event door: who has one, what it confirms, and what it costs to ask."""

import asyncio
import base64
from collections.abc import Collection
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from analytics.event_types import SECRET_PREFIX
from analytics.ingest.app import PATH
from analytics.ingest.conferences import Directory, Keys, Known
from analytics.ingest.remembering import Remembered
from analytics.ingest.requests import RefusedError
from analytics.ingest.senders import Senders, read_authorization
from analytics.models import DoorRules
from conferences.keys import Kind, new_key, read_key, shown_part
from conferences.models import Conference, EventKey
from conferences.services.keys import create_key, revoke_key
from meeteasy.core.tokens import digest_of
from tests.analytics.ingest.conftest import Door, page_view, read_stream

in_database = pytest.mark.django_db(transaction=True)


@sync_to_async
def make_key(kind: str, conference_id: str = "summit", *, required: bool = False) -> str:
    conference, _ = Conference.objects.update_or_create(
        id=conference_id,
        defaults={"name": "Summit", "time_zone": "Asia/Shanghai", "event_key_required": required},
    )
    return create_key(conference=conference, kind=kind, name="shop", by=None)[1]


def codes(answer: Any) -> list[str]:
    return [item["code"] for item in answer.json()["error"]["details"]["rejected"]]


def test_a_key_names_its_kind_and_conference() -> None:
    text = new_key(Kind.SECRET, "summit_2026-x")
    given = read_key(text)
    assert given is not None
    assert given[:2] == (Kind.SECRET, "summit_2026-x")
    assert given.digest == digest_of(text)
    assert text.startswith(shown_part(text))
    assert len(text) - len(shown_part(text)) >= 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk_",
        "sk_summit_",
        "sk__" + "0" * 40,
        "xk_summit_" + "0" * 40,
        "sk_summit_" + "0" * 39,
        "sk_a/b_" + "0" * 40,
        "sk_\0_" + "0" * 40,
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Bearer sk_1", "sk_1"),
        (b"basic " + base64.b64encode(b"wk_1:"), "wk_1"),
        (b"Basic " + base64.b64encode(b"wk_1"), "wk_1"),
        (b"Basic not base64", ""),
        (b"Basic " + b"A" * 4000, ""),
        (b"Token abc", ""),
        (b"", ""),
        (b"\xff", ""),
    ],
)
def test_a_key_is_read_from_the_authorization_header(header: bytes, expected: str) -> None:
    assert read_authorization(header) == expected


@in_database
async def test_where_keys_are_required_a_batch_without_one_gets_401(door: Door) -> None:
    key = await make_key("write", required=True)

    without = await door.send([page_view()])
    wrong = await door.send([page_view()], authorization=f"Bearer {new_key(Kind.WRITE, 'summit')}")
    right = await door.send([page_view()], authorization=f"Bearer {key}")

    assert (without.status_code, without.json()["error"]["code"]) == (401, "key_required")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "wrong_key")
    assert codes(wrong) == ["wrong_key"]
    assert right.status_code == 202
    assert len(read_stream()) == 1


@in_database
async def test_a_tracker_without_headers_has_its_write_key_in_the_address(door: Door) -> None:
    write, secret = await make_key("write", required=True), await make_key("secret", required=True)
    body = msgspec.json.encode({"events": [page_view()]})
    statuses = [
        (await door.request("POST", path=f"{PATH}?{query}", content=body)).status_code
        for query in (f"key={write}", f"a=1&key={write}", f"key={secret}", "key=", f"xkey={write}")
    ]
    assert statuses == [202, 202, 401, 401, 401]


@in_database
async def test_only_the_conferences_that_require_a_key_refuse(door: Door) -> None:
    await make_key("write", required=True)
    await make_key("write", "open")

    answer = await door.send([page_view(), page_view(conference_id="open")])

    assert answer.json()["accepted"] == 1
    assert [item["code"] for item in answer.json()["rejected"]] == ["key_required"]


@in_database
async def test_without_required_keys_a_wrong_write_key_costs_nothing(door: Door) -> None:
    await make_key("write")
    for text in (new_key(Kind.WRITE, "summit"), "some-other-token"):
        assert (await door.send([page_view()], authorization=f"Bearer {text}")).status_code == 202


@in_database
async def test_events_of_a_secret_key_are_confirmed(door: Door) -> None:
    key = await make_key("secret", required=True)
    registration = {
        "type": "registration", "conference_id": "summit", "form_id": "shop", "event_id": "order-7",
        "registration_id": "r-7",
    }  # fmt: skip
    answer = await door.send([registration, page_view()], authorization=f"Bearer {key}")

    assert answer.json() == {"accepted": 2, "rejected": []}
    first, second = read_stream()
    assert first.event_id == f"{SECRET_PREFIX}order-7"
    assert second.event_id.startswith(SECRET_PREFIX)
    assert second.visitor_id == "", "the server's address says nothing of the visitor"


@in_database
async def test_a_server_with_a_secret_key_needs_no_origin(door: Door) -> None:
    key = await make_key("secret")
    await DoorRules.objects.acreate(conference_id="summit", origin_required=True)

    assert (await door.send([page_view()])).status_code == 400
    assert (await door.send([page_view()], authorization=f"Bearer {key}")).status_code == 202


@in_database
async def test_a_secret_key_speaks_for_its_conference_only(door: Door) -> None:
    key = await make_key("secret")
    await make_key("secret", "other")

    answer = await door.send([page_view(), page_view(conference_id="other")], authorization=f"Bearer {key}")

    assert answer.json()["accepted"] == 1
    assert [item["code"] for item in answer.json()["rejected"]] == ["wrong_key"]


@in_database
async def test_nobody_uses_the_ids_of_secret_keys(door: Door) -> None:
    key = await make_key("secret")
    for authorization in ("", f"Bearer {key}"):
        answer = await door.send([page_view(event_id="key:1")], authorization=authorization)
        assert codes(answer) == ["reserved"]


@in_database
async def test_a_revoked_key_is_worth_nothing(door: Door) -> None:
    key = await make_key("secret")
    assert (await door.send([page_view()], authorization=f"Bearer {key}")).status_code == 202

    await sync_to_async(lambda: revoke_key(EventKey.objects.get()))()
    door.ingest._directory._expires = 0.0  # five seconds later
    answer = await door.send([page_view()], authorization=f"Bearer {key}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_key")


@in_database
async def test_what_a_cut_secret_key_says_becomes_no_report(door: Door) -> None:
    key = await make_key("secret")
    for text in (key[:-1], f"{key}x", "sk_", "sk_summit"):
        answer = await door.send([page_view()], authorization=f"Bearer {text}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_key")
    assert read_stream() == []
    assert (await door.send([page_view()], authorization="Bearer another-tools-key")).status_code == 202


@in_database
async def test_a_new_key_works_at_once(door: Door) -> None:
    await make_key("write", required=True)
    assert (await door.send([page_view()])).status_code == 401  # the conference is remembered

    key = await make_key("secret", required=True)

    assert (await door.send([page_view()], authorization=f"Bearer {key}")).status_code == 202


@in_database
async def test_a_server_may_say_who_the_visitor_is(door: Door) -> None:
    key = await make_key("secret")
    crawler = {"user_agent": "Googlebot/2.1", "country": "us", "visitor_id": "v-bot"}
    person = {"ip": "198.51.100.9", "user_agent": "Mozilla/5.0", "country": "CN"}
    events = [
        page_view(context=crawler),
        page_view(context=person),
        page_view(context={**person, "ip": "198.51.100.9:4711, 10.0.0.1"}),
        page_view(context=person, visitor_id="v-1"),
        page_view(context=["nonsense"]),
        page_view(context={"ip": 7, "user_agent": {"a": 1}, "country": "HALF", "visitor_id": "\0"}),
    ]
    content = msgspec.json.encode({"events": events}).replace(b"HALF", b"\\ud800")
    answer = await door.send(content=content, authorization=f"Bearer {key}")

    assert answer.json()["accepted"] == 6, answer.json()
    rows = sorted(read_stream(), key=lambda row: (row.visitor_id, row.is_bot))
    assert [row.is_bot for row in rows if row.visitor_id == "v-bot"] == [True]
    assert [row.is_bot for row in rows if row.visitor_id == "v-1"] == [False]
    made = [row.visitor_id for row in rows if len(row.visitor_id) == 32]
    assert len(made) == 2
    assert len(set(made)) == 1, "one person"
    assert [row.visitor_id for row in rows].count("") == 2
    assert not any("198.51.100.9" in repr(row) for row in rows)


@in_database
async def test_a_country_that_is_spelt_out_is_no_code(door: Door) -> None:
    """Segment's `location.country` is often a name: `China` is not Switzerland, nor `Germany` Georgia."""
    key = await make_key("secret")
    given = ["China", "Germany", "de", "CN\n", ""]
    await door.send([page_view(context={"country": name}) for name in given], authorization=f"Bearer {key}")

    contexts = [msgspec.json.decode(row.context or "{}") for row in read_stream()]
    assert sorted(context.get("country", "") for context in contexts) == ["", "", "", "", "DE"]


@in_database
async def test_without_a_secret_key_context_is_a_property(door: Door) -> None:
    await make_key("secret")
    await door.send([page_view(context={"visitor_id": "v-9"})])

    (row,) = read_stream()
    assert row.visitor_id != "v-9"
    assert msgspec.json.decode(row.properties) == {"context": {"visitor_id": "v-9"}}


class Database:
    """Conferences with keys, that record every query."""

    def __init__(self) -> None:
        self.queries = 0
        self.fails = False

    def __call__(self, ids: Collection[str]) -> dict[str, Known]:
        self.queries += 1
        if self.fails:
            raise ConnectionError
        return {name: Known("UTC", None, Keys({}, {"digest": 1})) for name in ids}


async def test_made_up_keys_cost_no_query_each() -> None:
    database = Database()
    directory = Directory(database)
    senders = Senders(directory, Remembered(lambda names: {}))

    for _ in range(500):
        with pytest.raises(RefusedError) as refused:
            await senders.identify(new_key(Kind.SECRET, "summit"))
        assert refused.value.status == 401
    assert database.queries <= 3
    directory.close()


async def test_concurrent_made_up_conferences_are_asked_about_together() -> None:
    database = Database()
    directory = Directory(database)
    senders = Senders(directory, Remembered(lambda names: {}))
    keys = [new_key(Kind.WRITE, f"c{number}") for number in range(200)]

    await asyncio.gather(*map(senders.identify, keys))

    assert database.queries <= 4
    directory.close()


async def test_a_database_that_is_away_confirms_nothing() -> None:
    database = Database()
    database.fails = True
    directory = Directory(database)
    senders = Senders(directory, Remembered(lambda names: {}))

    with pytest.raises(RefusedError) as refused:
        await senders.identify(new_key(Kind.SECRET, "summit"))

    assert (refused.value.status, refused.value.retry_after) == (503, 2)
    directory.close()


@in_database
async def test_last_use_is_written_once_a_minute(door: Door, alice: User) -> None:
    key = await make_key("write")
    for _ in range(20):
        assert (await door.send([page_view()], authorization=f"Bearer {key}")).status_code == 202
    await asyncio.sleep(0.1)

    row = await EventKey.objects.aget()
    assert row.last_used_at is not None
    first = row.last_used_at
    await door.send([page_view()], authorization=f"Bearer {key}")
    await door.ingest.stop()  # writes what is left, of the same minute
    await row.arefresh_from_db()
    assert row.last_used_at == first
