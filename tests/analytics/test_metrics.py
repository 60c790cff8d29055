"""The figures of event processing at /metrics in a known state, and the constant cost of reading them."""

import datetime as dt
import time
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics import metrics
from analytics.days.dirty import mark_conference_dirty, mark_days_dirty
from analytics.models import DeadLetter, DirtyDay
from analytics.stream import dead_letters
from analytics.stream.entry import encode_rows
from analytics.stream.queue import STREAM, Consumer, Entry
from conferences.models import Conference
from meeteasy.core.redis import get_redis
from tests.analytics.builders import DAY, page_view, store
from tests.analytics.streams import append, make_drain, make_row, run, wait_until_overdue
from tests.support.scraping import scrape, succeeded

pytestmark = pytest.mark.django_db


def stream_of(values: dict[str, float]) -> dict[str, float]:
    start = "meeteasy_stream_"
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def test_all_figures_of_an_unused_stream_are_zero() -> None:
    values = stream_of(scrape())

    assert values.pop("memory_limit_bytes") == 512 * 1024**2
    assert values.pop("entries_added_total") == 0
    assert set(values.values()) == {0}


def test_pending_unread_and_oldest_entries_are_shown(conference: Conference) -> None:
    added_ms = round(time.time() * 1000) - 90_000
    fields: Any = encode_rows([make_row()])
    get_redis().xadd(STREAM, fields, id=f"{added_ms}-0")
    append([make_row()], [make_row()], [make_row()], [make_row()])
    values = stream_of(scrape())
    assert (values["entries"], values["lag_entries"], values["pending_entries"]) == (5, 5, 0), (
        "without a group"
    )

    consumer = Consumer(get_redis())
    consumer.ensure_group()
    first, *_ = consumer.read(count=3, block_ms=None)
    values = stream_of(scrape())
    assert (values["entries"], values["lag_entries"], values["pending_entries"]) == (5, 2, 3)
    assert 90 <= values["oldest_entry_age_seconds"] <= 95
    assert values["memory_bytes"] == get_redis().memory_usage(STREAM) > 0

    consumer.ack([first.id])
    values = stream_of(scrape())
    assert (values["entries"], values["lag_entries"], values["pending_entries"]) == (4, 2, 2)
    assert values["oldest_entry_age_seconds"] < 5
    assert values["entries_added_total"] == 5

    wait_until_overdue()
    run(make_drain())
    values = stream_of(scrape())
    assert (values["entries"], values["lag_entries"], values["pending_entries"]) == (0, 0, 0)
    assert values["oldest_entry_age_seconds"] == 0
    assert values["entries_added_total"] == 5


def test_the_streams_limit_is_shown(settings: Any) -> None:
    settings.INGEST_QUEUE_MAX_BYTES = 4096
    assert scrape()["meeteasy_stream_memory_limit_bytes"] == 4096


def test_a_dirty_day_with_many_marks_counts_once() -> None:
    values = scrape()
    assert (values["meeteasy_dirty_days"], values["meeteasy_dirty_day_oldest_mark_age_seconds"]) == (0, 0)

    mark_days_dirty([("summit", DAY), ("summit", DAY), ("other", DAY)])
    mark_conference_dirty("summit")
    DirtyDay.objects.filter(conference_id="other").update(marked_at=timezone.now() - dt.timedelta(minutes=5))
    values = scrape()
    assert values["meeteasy_dirty_days"] == 3
    assert 300 <= values["meeteasy_dirty_day_oldest_mark_age_seconds"] <= 305


def add_dead_letter(number: int) -> list[DeadLetter]:
    for i in range(number):
        entry = Entry(f"{i}-0".encode(), encode_rows([make_row()]), 5)
        dead_letters.add_entry(entry, error=RuntimeError("no luck"))
    return list(DeadLetter.objects.all())


def test_waiting_dead_letters_are_counted(conference: Conference) -> None:
    letters = add_dead_letter(3)
    assert scrape()["meeteasy_dead_letters"] == 3

    dead_letters.replay(letters[0])
    assert scrape()["meeteasy_dead_letters"] == 2


def test_counting_stops_at_the_stated_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_ROWS", 2)
    add_dead_letter(4)
    mark_days_dirty([("summit", DAY + dt.timedelta(days=i)) for i in range(4)])
    values = scrape()

    assert (values["meeteasy_dead_letters"], values["meeteasy_dirty_days"]) == (2, 2)


@pytest.mark.only_on("sqlite", "postgresql")
def test_every_query_of_a_scrape_uses_an_index(conference: Conference) -> None:
    store(page_view("a"))
    add_dead_letter(3)
    with CaptureQueriesContext(connection) as queries:
        scrape()
    statements = [row["sql"] for row in queries if "analytics_" in row["sql"]]
    assert len(statements) == 2
    assert not any("analytics_event" in sql for sql in statements)
    assert all("LIMIT" in sql for sql in statements)

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # with three rows it would read all
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans = []
        for sql in statements:
            cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
            plans.append(" ".join(str(row[-1]) for row in cursor.fetchall()))
    for index in ("dirtyday_marked", "deadletter_replayed"):
        assert any(index in plan for plan in plans), plans
    assert not any("TEMP B-TREE" in plan or "Sort" in plan for plan in plans), plans


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_a_locked_table_costs_only_its_own_metrics() -> None:
    """A migration can lock it. A plain SELECT would wait until the migration is done."""
    target = connection.settings_dict
    with psycopg.connect(
        host=target["HOST"], port=target["PORT"], user=target["USER"], dbname=target["NAME"]
    ) as other:
        other.execute("LOCK TABLE analytics_deadletter IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        values = scrape()
        took = time.monotonic() - started

    assert 1 < took < 6
    assert [name for name, is_read in succeeded(values).items() if not is_read] == ["dead_letters"]
    assert "meeteasy_dead_letters" not in values
    assert "meeteasy_dirty_days" in values
    assert values['meeteasy_database_up{database="default"}'] == 1
    assert Client().get("/metrics").status_code == 200
