"""While Redis hangs, requests that do not need it are answered in time, and the others get 503."""

import time

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference
from tests.support.system import System


@pytest.mark.processes
def test_a_hung_redis_does_not_hold_the_threads(system: System) -> None:
    system.start("web")
    headers = {"Authorization": f"Token {system.token()}"}
    live = "/api/analytics/live?conference_id=test"
    assert system.http.get(live, headers=headers).status_code == 200
    system.valkey.pause()
    try:
        started = time.monotonic()
        for number in range(10):
            person = {"name": "Ann", "email": f"ann{number}@example.com"}
            answer = system.http.post("/api/conferences/test/registrations", json=person, timeout=60)
            assert answer.status_code == 201, answer.text
        assert time.monotonic() - started < 20, "each one would wait as long otherwise"
        answer = system.http.get(live, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    finally:
        system.valkey.resume()
    system.wait_for(
        lambda: system.http.get(live, headers=headers).status_code == 200, "Redis again", seconds=15
    )


@pytest.mark.django_db
def test_a_page_that_needs_redis_says_so(
    conference: Conference, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conference_id: str) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr("console.pages.live.build_snapshot", fail)
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    answer = client.get("/console/c/summit/live/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "Redis does not answer" in answer.content.decode()
