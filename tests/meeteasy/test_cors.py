"""Which pages of other origins may call the API, and that signed-in users are none of their business."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference
from meeteasy.core.tokens import create_token

URL = "/api/conferences/summit"
APP = "https://app.example"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(path: str, method: str, origin: str = APP) -> Any:
    return Client().options(path, headers={"Origin": origin, "Access-Control-Request-Method": method})


def test_pages_of_allowed_origins_read_with_a_token(conference: Conference, alice: User) -> None:
    asked = preflight(URL, "PATCH")
    assert asked["Access-Control-Allow-Origin"] == APP
    assert "PATCH" in asked["Access-Control-Allow-Methods"]
    allowed = asked["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key", "traceparent", "tracestate", "baggage",
            "sentry-trace"} <= set(allowed)  # fmt: skip

    headers = {"Origin": APP, "Authorization": f"Token {create_token(alice)}"}
    answer = Client().get(URL, headers=headers)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, APP)
    assert "retry-after" in answer["Access-Control-Expose-Headers"]


def test_pages_of_other_origins_read_nothing(conference: Conference, alice: User) -> None:
    for path in (URL, f"{URL}/registrations", f"{URL}/keys"):
        assert "Access-Control-Allow-Origin" not in preflight(path, "GET", "https://other.example")
        headers = {"Origin": "https://other.example", "Authorization": f"Token {create_token(alice)}"}
        assert "Access-Control-Allow-Origin" not in Client().get(path, headers=headers)


def test_cookies_of_other_origins_never_count(conference: Conference, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    answer = client.get(URL, headers={"Origin": APP})
    assert "Access-Control-Allow-Credentials" not in answer


def test_pages_are_not_part_of_it(alice: User) -> None:
    assert "Access-Control-Allow-Origin" not in Client().get("/accounts/login/", headers={"Origin": APP})


def test_registering_is_open_to_pages_of_any_origin(conference: Conference) -> None:
    path, origin = f"{URL}/registrations", "https://other.example"
    asked = preflight(path, "POST", origin)
    assert asked["Access-Control-Allow-Origin"] == origin
    assert "idempotency-key" in asked["Access-Control-Allow-Headers"]
    answer = Client().post(
        path, {"name": "Ann", "email": "ann@example.com"}, "application/json", headers={"Origin": origin}
    )
    assert answer.status_code == 201
    assert answer["Access-Control-Allow-Origin"] in ("*", origin)
