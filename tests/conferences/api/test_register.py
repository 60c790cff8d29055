"""POST /api/conferences/<id>/registrations as the public uses it."""

import datetime as dt
import hashlib
import json
import re
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferences.models import Conference, IdempotencyKey, Registration
from conferences.selectors.receipts import resolve_receipts
from conferences.services import idempotency
from conferences.services.receipts import forget_old_receipts
from meeteasy.core import salts
from tests.support.services import ValkeyServer

pytestmark = pytest.mark.django_db

URL = "/api/conferences/summit/registrations"
ANN = {"name": "Ann", "email": "ann@example.com"}


def post(body: Any, *, key: str | None = None, url: str = URL, agent: str = "") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Idempotency-Key": key} if key is not None else {}
    if agent:
        headers["User-Agent"] = agent
    return Client(raise_request_exception=True).post(
        url, content, content_type="application/json", headers=headers
    )


def test_registering_returns_only_a_receipt_and_the_state(conference: Conference) -> None:
    answer = post({**ANN, "phone": "+86 138 0013 8000", "answers": {"diet": "🥜"}, "share_code": "s1"})
    assert answer.status_code == 201
    registration = Registration.objects.get()
    receipt = registration.receipts.get().receipt
    assert answer.json() == {
        "receipt": receipt, "conference_id": "summit", "state": "approved", "warnings": []
    }  # fmt: skip
    assert re.fullmatch(r"rct_[A-Za-z0-9_-]{22}", receipt)
    assert registration.id not in receipt
    assert (registration.phone, registration.answers, registration.share_code) == (
        "+8613800138000", {"diet": "🥜"}, "s1"
    )  # fmt: skip
    assert (registration.source, registration.form_id) == ("form", "default")


def test_registration_and_events_derive_the_same_visitor_id(conference: Conference) -> None:
    for agent in ("A", "A", "B"):
        post({**ANN, "email": f"{len(Registration.objects.all())}@example.com"}, agent=agent)

    date = timezone.now().astimezone(ZoneInfo(conference.time_zone)).date()
    expected = {
        agent: salts.make_visitor_id(
            salts.get_salt(date), conference_id="summit", address="127.0.0.1", user_agent=agent
        )
        for agent in ("A", "B")
    }
    found = Registration.objects.order_by("registered_at").values_list("visitor_id", flat=True)
    assert list(found) == [expected["A"], expected["A"], expected["B"]]


@pytest.mark.parametrize("state", ["pending", "approved", "rejected"])
@pytest.mark.parametrize("approval_required", [True, False])
def test_a_known_address_gets_the_same_answer(
    conference: Conference, state: str, approval_required: bool
) -> None:
    """A stranger who tries addresses cannot learn who is registered or what was decided."""
    post({**ANN, "phone": "+8613800138000", "answers": {"secret": "x"}})
    Registration.objects.update(state=state)
    Conference.objects.update(approval_required=approval_required)
    known = post({"name": "Mallory", "email": "ANN@example.com"})
    new = post({"name": "Mallory", "email": "mallory@example.com"})
    assert known.status_code == new.status_code == 201
    assert set(known.headers) == set(new.headers)
    assert set(known.json()) == set(new.json()) == {"receipt", "conference_id", "state", "warnings"}
    assert known.json()["state"] == new.json()["state"] == ("pending" if approval_required else "approved")
    assert len(known.content) == len(new.content)
    ann = Registration.objects.get(email="ann@example.com")
    assert (ann.name, ann.state, ann.answers) == ("Ann", state, {"secret": "x"})


def test_each_submission_gets_its_own_receipt(conference: Conference) -> None:
    receipts = [post(ANN).json()["receipt"] for _ in range(3)]
    ann = Registration.objects.get()
    assert len(set(receipts)) == 3
    assert resolve_receipts([*receipts, "rct_unknown", "rct_\0"]) == {
        ("summit", receipt): ann.id for receipt in receipts
    }


@pytest.mark.django_db(transaction=True)
def test_a_known_address_takes_the_same_number_of_inserts(conference: Conference) -> None:
    """Timing must not reveal more than the answer does."""

    def inserted_into(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            post({"name": "Ann", "email": email})
        statements = [query["sql"] for query in queries]
        return [sql.split('"')[1] for sql in statements if sql.startswith("INSERT")]

    new = inserted_into("ann@example.com")
    assert {"conferences_registration", "conferences_registrationreceipt"} <= set(new)
    assert inserted_into("ann@example.com") == new


def test_old_receipts_are_deleted(conference: Conference) -> None:
    receipt = post(ANN).json()["receipt"]
    assert forget_old_receipts() == 0
    assert forget_old_receipts(now=timezone.now() + dt.timedelta(days=91)) == 1
    assert resolve_receipts([receipt]) == {}


def test_a_repeated_key_and_body_get_the_same_answer(conference: Conference) -> None:
    first = post(ANN, key="k-1")
    Registration.objects.update(state="cancelled")
    again = post({"email": "ann@example.com", "name": "Ann"}, key="k-1")  # field order does not matter
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert Registration.objects.count() == 1


def test_a_reused_key_with_another_body_is_refused(conference: Conference) -> None:
    post(ANN, key="k-1")
    answer = post({**ANN, "email": "ben@example.com"}, key="k-1")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "idempotency_key_reused"
    assert Registration.objects.count() == 1


def test_a_key_is_scoped_to_its_conference(conference: Conference) -> None:
    Conference.objects.create(id="other", name="Other")
    receipts = {post(ANN, key="k-1").json()["receipt"]}
    receipts.add(post(ANN, key="k-1", url="/api/conferences/other/registrations").json()["receipt"])
    assert len(receipts) == 2
    assert Registration.objects.count() == 2


def test_a_key_is_reusable_after_a_failed_request(conference: Conference) -> None:
    assert post({**ANN, "email": "ann"}, key="k-1").status_code == 400
    assert post(ANN, key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
def test_a_malformed_key_is_refused(conference: Conference, key: str) -> None:
    answer = post(ANN, key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["details"]
    assert not Registration.objects.exists()


def test_keys_expire_after_48_hours_without_personal_data(conference: Conference) -> None:
    post(ANN, key="k-1")
    kept = IdempotencyKey.objects.get()
    assert "ann" not in f"{kept.answer} {kept.body_sha256}".lower()
    assert idempotency.forget_old_keys() == 0
    assert idempotency.forget_old_keys(now=timezone.now() + idempotency.REMEMBERED) == 1


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "email"}),
        ({"name": "", "email": ""}, {"name", "email"}),
        ({"name": None, "email": None}, {"name", "email"}),
        ({"name": 1, "email": ["a@example.com"]}, {"email"}),  # a number is accepted as a name
        ({"name": {"first": "Ann"}, "email": "a@b"}, {"name", "email"}),
        ({**ANN, "phone": "12"}, {"phone"}),
        ({**ANN, "name": "x" * 10_000}, {"name"}),
        ({**ANN, "name": "Ann\r\nBcc: all@example.com"}, {"name"}),
        ({**ANN, "email": "ann@example.com\r\nBcc: all@example.com"}, {"email"}),
        ({**ANN, "name": "\0", "visitor_id": "\0", "share_code": "\0"}, {"name"}),
    ],
)  # fmt: skip
def test_all_bad_fields_are_named_and_nothing_is_written(
    conference: Conference, body: dict[str, Any], fields: set[str]
) -> None:
    answer = post(body, key="k-1")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert set(error["details"]) == fields
    assert not Registration.objects.exists()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b'"text"', 400), (b"null", 400), (b"[" * 50_000, 400),
        (b"\xff\xfe", 400), (b'{"name": "\\ud800", "email": "a@example.com"}', 400),
        (b'{"name": NaN}', 400), (b'{"name": "Ann", "email": "a\\ud800@example.com"}', 400),
        (b'{"name": "Ann"' + b" " * 10 + b"\xed\xa0\x80", 400), (b'{"name": "' + b"x" * 70_000 + b'"}', 413),
    ],
)  # fmt: skip
def test_an_unreadable_body_gets_the_usual_error_shape(
    conference: Conference, body: bytes, status: int
) -> None:
    answer = post(body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


X = "x" * 70
SHA_256_OF_80 = hashlib.sha256(b"v" * 80).hexdigest()


@pytest.mark.parametrize(
    ("given", "kept", "warnings"),
    [
        ({"share_code": X}, {"share_code": "!" + "x" * 63}, [("share_code", "malformed_code")]),
        ({"share_code": "abcd\n"}, {"share_code": "!abcd"}, [("share_code", "malformed_code")]),
        ({"share_code": ["a"]}, {"share_code": "!"}, [("share_code", "malformed_code")]),
        ({"share_code": None}, {"share_code": ""}, []),
        ({"visitor_id": "v" * 80}, {"visitor_id": SHA_256_OF_80}, [("visitor_id", "hashed")]),
        ({"visitor_id": 17}, {"visitor_id": "17"}, []),
        ({"visitor_id": 17.0}, {"visitor_id": "17"}, []),
        ({"visitor_id": "a\0b"}, {"visitor_id": ""}, [("visitor_id", "left_out")]),
        ({"visitor_id": True}, {"visitor_id": ""}, [("visitor_id", "left_out")]),
        ({"visitor_id": "undefined"}, {"visitor_id": ""}, [("visitor_id", "left_out")]),
        ({"form_id": ""}, {"form_id": "default"}, []),
        ({"form_id": "v" * 80}, {"form_id": SHA_256_OF_80}, [("form_id", "hashed")]),
        ({"form_id": {"a": 1}}, {"form_id": "default"}, [("form_id", "left_out")]),
        ({"language": "e" * 40}, {"language": "en"}, [("language", "left_out")]),
        ({"language": "e\nn"}, {"language": "en"}, [("language", "left_out")]),
        ({"answers": []}, {"answers": {}}, [("answers", "left_out")]),
        ({"answers": "none"}, {"answers": {}}, [("answers", "left_out")]),
        ({"answers": None}, {"answers": {}}, []),
        ({"answers": {"a": {"b": 1}, "c": 1}}, {"answers": {"c": 1}}, [("answers.a", "left_out")]),
        ({"answers": {"a": "\0", "b": [[1]], "c": 2**63, "d": ["ok"]}}, {"answers": {"d": ["ok"]}},
         [("answers.a", "left_out"), ("answers.b", "left_out"), ("answers.c", "left_out")]),
        ({"visitorId": "v", "timezone": "x"}, {},
         [("visitorId", "unknown_field"), ("timezone", "unknown_field")]),
    ],
)  # fmt: skip
def test_bad_optional_data_never_fails_the_registration(
    conference: Conference, given: dict[str, Any], kept: dict[str, Any], warnings: list[tuple[str, str]]
) -> None:
    answer = post({**ANN, **given})
    assert answer.status_code == 201, answer.content
    assert [(each["field"], each["code"]) for each in answer.json()["warnings"]] == warnings
    registration = Registration.objects.get()
    assert {name: getattr(registration, name) for name in kept} == kept


@pytest.mark.parametrize("key", [None, "k-1"])
def test_half_an_emoji_costs_only_the_field_it_is_in(conference: Conference, key: str | None) -> None:
    """Browsers write what is left of a text that was cut inside an emoji as a lone surrogate."""
    body = (
        b'\xef\xbb\xbf{"name": "Ann", "email": "ann@example.com", "visitor_id": "v\\ud83d", "\\udc00": 1,'
        b'"form_id": "\\ud83d", "share_code": "\\ud83d",'
        b' "answers": {"bio": "hi \\ud83d", "\\ud83d": "x", "n": NaN, "m": 1e999, "size": "M"}}'
    )
    answer = post(body, key=key)
    assert answer.status_code == 201, answer.content
    assert {each["field"] for each in answer.json()["warnings"]} == {
        "?", "form_id", "visitor_id", "share_code", "answers.bio", "answers.?", "answers.n", "answers.m",
    }  # fmt: skip
    ann = Registration.objects.get()
    assert (ann.answers, ann.share_code) == ({"size": "M"}, "!")
    assert post(body, key=key).json()["state"] == "approved"


def test_long_answers_are_cut_and_surplus_ones_dropped(conference: Conference) -> None:
    many = {str(number): "x" for number in range(120)}
    answer = post({**ANN, "answers": {"essay": "✓" * 8_000, **many}})
    warnings = [(each["field"], each["code"]) for each in answer.json()["warnings"]]
    assert warnings == [("answers", "left_out"), ("answers.essay", "cut")]
    kept = Registration.objects.get().answers
    assert set(kept) == {"essay", *(str(number) for number in range(99))}
    assert 4_000 < len(kept["essay"]) < 8_000
    assert set(kept["essay"]) == {"✓"}


def test_clients_cannot_set_the_state_or_id(conference: Conference) -> None:
    assert post({**ANN, "state": "cancelled", "id": "mine", "phone": None}).status_code == 201
    registration = Registration.objects.get()
    assert (registration.state, registration.id == "mine") == ("approved", False)


def test_an_unknown_conference_is_not_found(conference: Conference) -> None:
    answer = post(ANN, url="/api/conferences/nowhere/registrations")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_browsers_of_any_origin_may_post(conference: Conference) -> None:
    preflight = Client().options(URL, headers={"Origin": "https://a.example"})
    assert preflight.status_code == 204
    assert "Idempotency-Key" in preflight["Access-Control-Allow-Headers"]
    for answer in (preflight, post(ANN), post({})):
        assert answer["Access-Control-Allow-Origin"] == "*"


def test_the_list_of_registrations_is_not_for_other_origins(conference: Conference) -> None:
    assert "Access-Control-Allow-Origin" not in Client().get(URL)


def test_a_signed_in_user_registers_without_a_csrf_token(conference: Conference, alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(URL, json.dumps(ANN), content_type="application/json").status_code == 201


@override_settings(REGISTRATION_RATE_PER_MINUTE=3)
def test_registrations_per_client_address_are_limited(conference: Conference) -> None:
    codes = [post({}).status_code for _ in range(5)]
    assert codes == [400, 400, 400, 429, 429]
    limited = Client().post(
        URL, "{}", content_type="application/json", headers={"X-Forwarded-For": "1.2.3.4"}
    )
    assert limited.status_code == 429
    assert int(limited["Retry-After"]) > 0
    assert limited.json()["error"]["code"] == "throttled"
    elsewhere = Client(REMOTE_ADDR="192.0.2.9").post(URL, "{}", content_type="application/json")
    assert elsewhere.status_code == 400


@override_settings(REGISTRATION_RATE_PER_MINUTE=3)
def test_a_limit_reached_by_a_clock_that_was_set_back_is_over(conference: Conference) -> None:
    assert [post({}).status_code for _ in range(4)] == [400, 400, 400, 429]
    (key,) = redis.Redis.from_url(settings.REDIS_URL).keys("*throttle_registrations*")
    name = key.decode().rpartition(":")[2]
    cache.set(name, [at + 172_800 for at in cache.get(name)])
    assert [post({}).status_code for _ in range(4)] == [400, 400, 400, 429]


@pytest.mark.django_db(transaction=True)
def test_registering_works_promptly_while_redis_is_down(conference: Conference, valkey: ValkeyServer) -> None:
    post({})  # open the connections
    valkey.kill()
    started = time.monotonic()
    try:
        answers = [post({**ANN, "email": f"{number}@example.com"}, key=f"k-{number}") for number in range(3)]
    finally:
        valkey.start()
    assert [answer.status_code for answer in answers] == [201] * 3
    assert Registration.objects.count() == 3
    # By default Celery tries to send each message for 6 seconds.
    assert time.monotonic() - started < 6
