"""Deleted data is gone from every file of a small installation."""

import datetime as dt
import json
import secrets
import time
from pathlib import Path

import pytest

from tests.support.system import System

ADDRESS = "198.51.100.77"


def files_with(directory: Path, *needles: bytes) -> set[str]:
    """Return the names of files below `directory` that hold one of the needles, without our logs."""
    return {
        path.name
        for path in directory.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    }


@pytest.mark.processes
def test_no_file_keeps_deleted_data(system: System) -> None:
    system.start("web", "events", "daily")
    erased = f"visitor-{secrets.token_hex(8)}"
    headers = {"X-Forwarded-For": ADDRESS}
    events = [
        {"type": "page_view", "conference_id": "test", "page": f"/{number}", "visitor_id": erased}
        for number in range(300)
    ]
    unnamed = {"type": "page_view", "conference_id": "test", "page": "/"}
    assert (
        system.http.post(
            "/api/analytics/events", json={"events": [unnamed, *events]}, headers=headers
        ).status_code
        == 202
    )
    registered = system.http.post(
        "/api/conferences/test/registrations",
        json={"name": "Ann", "email": "ann@example.org"},
        headers=headers,
    )
    assert registered.status_code == 201, registered.text
    deadline = time.monotonic() + 60
    while system.redis().xlen("stream:analytics.events") and time.monotonic() < deadline:
        time.sleep(0.2)
    redis = system.redis()
    found = [redis.get(key) for key in redis.scan_iter("salt:*")]
    assert len(found) >= 2
    directory = system.directory
    # The search itself works.
    assert files_with(directory, *found)
    assert files_with(directory, erased.encode())

    code = (
        "from conferences.models import Conference; from sharing.services.erasing import erase_person;"
        f"print(erase_person(Conference.objects.get(id='test'), '{erased}'))"
    )
    system.run_code(code)
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()
    forget = (
        "import datetime as dt; from meeteasy.core.forgetting import forget;"
        f"print(forget(now=dt.datetime.fromisoformat('{later}')))"
    )
    assert system.run_code(forget).strip().endswith("True")

    assert files_with(directory, ADDRESS.encode()) == set()
    assert files_with(directory, *found) == set()
    assert files_with(directory, erased.encode()) == set()
    assert (
        json.loads(system.run_code("from analytics.models import Event; print(Event.objects.count())")) >= 302
    )
