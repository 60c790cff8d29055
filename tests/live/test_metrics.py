"""Open sockets at /metrics: those of all web processes that are alive."""

import time

import pytest

from live import groups
from meeteasy.core.redis import get_redis
from tests.support.scraping import scrape

pytestmark = pytest.mark.django_db


def note(process: str, count: int) -> None:
    pipeline = get_redis().pipeline()
    groups.note_sockets(pipeline, process, count)
    pipeline.execute()


def test_sockets_of_all_living_processes_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scrape()["meeteasy_live_sockets"] == 0
    note("web1", 7)
    note("web2", 5)
    note("web2", 3)
    assert scrape()["meeteasy_live_sockets"] == 10

    later = time.time() + groups.WATCHED_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    note("web1", 1)
    assert scrape()["meeteasy_live_sockets"] == 1, "web2 was killed"
