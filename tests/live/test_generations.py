"""Generations on the live socket: each change of state once, without the prompt."""

import time
from typing import Any

import msgspec
import pytest

from conferences.models import Conference
from live import groups, log
from meeteasy.core.redis import get_redis
from visuspace.services.generating import generate, request_generation
from visuspace.services.pages import get_or_create_page

pytestmark = pytest.mark.django_db


def told() -> list[dict[str, Any]]:
    entries: Any = get_redis().xrange(log.key("summit"))
    return [msgspec.json.decode(fields[b"m"])["generation"] for _id, fields in entries]


def run(conference: Conference, callbacks: Any) -> None:
    page = get_or_create_page(conference, language="en")
    with callbacks(execute=True):
        job = request_generation(page, prompt="secret wishes", again=True, by=None)
    with callbacks(execute=True):
        generate(job.pk)
        generate(job.pk)  # a message that came twice


def test_members_hear_of_each_state_once(
    conference: Conference, django_capture_on_commit_callbacks: Any
) -> None:
    get_redis().zadd(groups.WATCHED, {"summit": time.time() + 60})
    run(conference, django_capture_on_commit_callbacks)
    assert [message["status"] for message in told()] == ["queued", "running", "done"]
    assert told()[-1]["revision"] == 1
    assert told()[-1]["language"] == "en"
    assert "secret" not in str(told())


def test_nobody_is_told_of_what_nobody_watches(
    conference: Conference, django_capture_on_commit_callbacks: Any
) -> None:
    run(conference, django_capture_on_commit_callbacks)
    assert told() == []
