"""One id from a request to the lines that its tasks log."""

import re

import pytest
from celery import current_app
from django.test import Client

from meeteasy.core.redis import get_redis
from meeteasy.core.request_ids import HEADER
from tests.support.system import System


@pytest.mark.parametrize("given", ["", "short", "a b c d e f g", "x" * 65, 'evil" level=error'])
def test_a_request_without_a_usable_id_gets_one(given: str) -> None:
    answer = Client().get("/healthz-is-no-django-path", headers={HEADER: given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer[HEADER])


def test_the_proxys_id_comes_back() -> None:
    answer = Client().get("/nothing", headers={HEADER: "0123456789abcdef0123456789abcdef"})
    assert answer[HEADER] == "0123456789abcdef0123456789abcdef"


def test_a_message_sent_without_a_request_has_no_id() -> None:
    current_app.send_task("nothing.runs_this", queue="files.convert")
    (message,) = get_redis().lrange("files.convert", 0, -1)
    assert b"request_id" not in message


@pytest.mark.processes
def test_a_tasks_lines_carry_the_id_of_its_request(system: System) -> None:
    system.start("web", "email")
    answer = system.http.post(
        "/api/conferences/test/registrations",
        json={"name": "Ann", "email": "ann@example.org"},
        headers={HEADER: "request-of-the-test"},
    )
    assert answer.status_code in (201, 202), answer.text
    assert answer.headers[HEADER] == "request-of-the-test"
    system.wait_for(
        lambda: b"request_id=request-of-the-test" in system.log("email"), "the task's lines to have the id"
    )
