"""Read-only mode: reads are answered, writes get 503, events are taken and wait."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from meeteasy.core import read_only
from tests.support.scraping import scrape
from tests.support.services import ValkeyServer
from tests.support.system import System


@pytest.mark.processes
def test_read_only_lets_events_on_and_writes_wait(system: System) -> None:
    system.start("web")
    registration = {"name": "Ann", "email": "ann@example.org"}
    path = "/api/conferences/test/registrations"
    system.manage("read_only", "on")
    system.wait_for(
        lambda: system.http.post(path, json=registration).status_code == 503, "writes to be refused"
    )
    answer = system.http.post(path, json=registration)
    assert answer.json()["error"]["code"] == "read_only"
    assert answer.headers["retry-after"] == "30"
    assert system.http.post("/admin/login/", data={}).status_code == 503
    assert system.get("/api/analytics/daily", conference_id="test") == {"results": [], "next": None}
    event = {"type": "page_view", "conference_id": "test", "page": "/"}
    assert system.post([event]).status_code == 202
    assert system.redis().xlen("stream:analytics.events") == 1

    system.manage("read_only", "off")
    system.wait_for(lambda: system.http.post(path, json=registration).is_success, "writes to be taken")


@pytest.mark.django_db
def test_metrics_say_that_it_is_on() -> None:
    assert scrape()["meeteasy_read_only"] == 0
    read_only.turn_on()
    assert scrape()["meeteasy_read_only"] == 1
    read_only.turn_off()


def test_without_redis_writes_are_taken(valkey: ValkeyServer) -> None:
    answer = read_only.refuse_writes(lambda request: HttpResponse("taken"))
    valkey.kill()
    try:
        assert answer(RequestFactory().post("/api/x")).content == b"taken"
    finally:
        valkey.start()
