"""Draining the stream when things go wrong. Crashes of real processes: test_crashes.py."""

import datetime as dt
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, IntegrityError, OperationalError, connections

from analytics import store
from analytics.events.rows import EventRow
from analytics.models import DeadLetter, DirtyDay, Event
from analytics.reactions.pipeline import StoreResult, store_and_react
from analytics.store import StoreUnavailableError
from analytics.stream import dead_letters
from analytics.stream.drain import Drain
from analytics.stream.queue import (
    ALONE_FROM_DELIVERY,
    BELL,
    CLAIM_IDLE_MS,
    MAX_DELIVERIES,
    STREAM,
    Consumer,
)
from conferences.models import Conference
from meeteasy.core.redis import get_redis
from tests.analytics.streams import (
    IDLE_MS,
    append,
    deliveries,
    length,
    make_drain,
    make_row,
    run,
    stored_ids,
    wait_until_overdue,
)


class Killed(BaseException):
    """A stand-in for kill -9: no `except Exception` catches it, and no code runs after it."""


def run_until_empty(drain_of: Callable[[], object], *, rounds: int = 12) -> int:
    """Run drains, each as a new process after the last was killed. Returns the number of rounds."""
    for number in range(1, rounds + 1):
        wait_until_overdue()
        try:
            drain_of()
        except Killed:
            continue
        if length() == 0:
            return number
    raise AssertionError(f"{length()} entries left after {rounds} rounds: {deliveries()}")


@pytest.mark.django_db
def test_a_drain_stores_all_entries_and_empties_the_stream(conference: Conference) -> None:
    append([make_row("a"), make_row("b")], [make_row("c")])
    assert run(make_drain()) is False
    assert stored_ids() == {"a", "b", "c"}
    assert length() == 0
    assert DirtyDay.objects.exists()


@pytest.mark.django_db
def test_a_drain_stops_when_its_time_is_up(conference: Conference) -> None:
    append([make_row("a")])
    assert run(make_drain(), max_seconds=0) is True, "entries may be left: whoever called must ring again"
    assert length() == 1


@pytest.mark.django_db
def test_the_size_of_entries_bounds_a_bulk(conference: Conference) -> None:
    bulks: list[int] = []

    def process(rows: Sequence[EventRow]) -> StoreResult:
        bulks.append(sum(len(row.data) for row in rows))
        return StoreResult(stored=len(rows), duplicate=0)

    append(*([make_row(data="x" * 300_000)] for _ in range(40)))
    append(*([make_row()] for _ in range(100)))
    run(make_drain(process))
    assert length() == 0
    assert max(bulks) < 3_000_000, "of 32 such entries it would be ten million"
    assert len(bulks) < 20, "small ones still go together"


@pytest.mark.django_db
@pytest.mark.parametrize(("took", "pause"), [(0.004, 0.036), (0.03, 0.07), (0.2, None)])
def test_what_comes_right_after_a_delivery_is_gathered(
    conference: Conference, monkeypatch: pytest.MonkeyPatch, took: float, pause: float | None
) -> None:
    """The quicker a delivery was, the sooner the next may begin: after ten times as long, at most 0.1 s."""
    bulks: list[int] = []
    pauses: list[float] = []
    now = time.monotonic()

    def process(rows: Sequence[EventRow]) -> StoreResult:
        nonlocal now
        now += took
        bulks.append(len(rows))
        if len(bulks) == 1:
            append([make_row()])
        return StoreResult(stored=len(rows), duplicate=0)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(seconds)
        append([make_row()], [make_row()])

    append([make_row()])
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now)
        patched.setattr(time, "sleep", sleep)
        run(make_drain(process))
    if pause is None:
        assert (bulks, pauses) == ([1, 1], []), "it took long enough"
    else:
        assert bulks == [1, 3], "the first at once, the rest together"
        assert pauses == [pytest.approx(pause)]


@pytest.mark.django_db
def test_a_bulk_of_claimed_large_entries_is_bounded_too(conference: Conference) -> None:
    bulks: list[int] = []

    def process(rows: Sequence[EventRow]) -> StoreResult:
        bulks.append(sum(len(row.data) for row in rows))
        return StoreResult(stored=len(rows), duplicate=0)

    append(*([make_row(data="x" * 300_000)] for _ in range(40)))
    dead = Consumer(get_redis(), claim_idle_ms=IDLE_MS)
    dead.ensure_group()
    assert len(dead.read(count=100, block_ms=None)) == 40
    wait_until_overdue()
    run(make_drain(process))
    assert length() == 0
    assert max(bulks) < 3_000_000


@pytest.mark.django_db(transaction=True)
def test_each_entry_goes_to_one_of_several_consumers(conference: Conference) -> None:
    seen: list[tuple[str, str]] = []
    slow_has_read, quick_is_done = threading.Event(), threading.Event()

    def work_slowly() -> None:
        def process(rows: Sequence[EventRow]) -> StoreResult:
            seen.extend(("slow", row.event_id) for row in rows)
            slow_has_read.set()
            assert quick_is_done.wait(20)
            return store_and_react(rows)

        try:
            run(make_drain(process))
        finally:
            connections.close_all()

    append([make_row("a")], [make_row("b")])
    slow = threading.Thread(target=work_slowly)
    slow.start()
    assert slow_has_read.wait(20)
    append([make_row("c")], [make_row("d")])

    def process(rows: Sequence[EventRow]) -> StoreResult:
        seen.extend(("quick", row.event_id) for row in rows)
        return store_and_react(rows)

    # Its idle time is the usual one, so the slow consumer counts as alive.
    run(Drain(Consumer(get_redis()), process))
    quick_is_done.set()
    slow.join(20)
    assert sorted(seen) == [("quick", "c"), ("quick", "d"), ("slow", "a"), ("slow", "b")]
    assert (length(), deliveries()) == (0, {})
    assert stored_ids() == {"a", "b", "c", "d"}


# --- dead consumers ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_overdue_entries_of_a_dead_consumer_are_claimed(conference: Conference) -> None:
    append([make_row("a")], [make_row("b")])

    def die(rows: Sequence[EventRow]) -> StoreResult:
        raise Killed

    with pytest.raises(Killed):
        run(make_drain(die))
    assert set(deliveries().values()) == {1}

    run(Drain(Consumer(get_redis())))
    assert stored_ids() == set(), "not before the idle time has passed: the other may only be slow"
    wait_until_overdue()
    run(make_drain())
    assert stored_ids() == {"a", "b"}
    assert length() == 0


@pytest.mark.django_db
def test_entries_of_a_dead_consumer_are_claimed_though_redis_clock_was_set_back(
    conference: Conference,
) -> None:
    """Their idle time stands still then; here no time passes at all, except by the process' own clock."""
    append([make_row("a")])
    dead, other = Consumer(get_redis()), Consumer(get_redis())
    dead.ensure_group()
    (entry,) = dead.read(count=1, block_ms=None)
    for seconds in (0.0, 10.0):
        other.age_held(now=seconds)
        assert other.list_stale(count=10) == [], "the other may only be slow"
    other.age_held(now=20.0)
    assert other.list_stale(count=10) == [(entry.id, 1)], "its delivery counts once"
    assert [claimed.deliveries for claimed in other.claim([(entry.id, 1)])] == [2]
    other.age_held(now=40.0)
    assert other.list_stale(count=10) == [], "another delivery has a time of its own"


@pytest.mark.django_db
def test_an_overdue_entry_is_found_behind_many_others(conference: Conference) -> None:
    dead, busy = Consumer(get_redis()), Consumer(get_redis())
    dead.ensure_group()
    append(*([make_row()] for _ in range(1200)))
    busy.read(count=2000, block_ms=None)
    (behind,) = append([make_row("behind")])
    dead.read(count=1, block_ms=None)
    get_redis().xclaim(STREAM, "workers", dead.name, 0, [behind], idle=CLAIM_IDLE_MS + 1, justid=True)
    run(Drain(Consumer(get_redis())))
    assert stored_ids() == {"behind"}


@pytest.mark.django_db
def test_a_crash_after_storing_costs_no_reaction(conference: Conference) -> None:
    """The control: reacting only to new events loses the mark, and the day keeps its old figures."""

    def die_before_reacting(rows: Sequence[EventRow]) -> StoreResult:
        for row in rows:
            row.local_date = dt.date(2026, 5, 1)
        store.insert_new(rows)
        raise Killed

    def react_to_new_only(rows: Sequence[EventRow]) -> StoreResult:
        known = store.insert_new(rows)
        return store_and_react([row for row in rows if row.key not in known])

    for process, marks in ((react_to_new_only, False), (store_and_react, True)):
        DirtyDay.objects.all().delete()
        Event.objects.all().delete()
        append([make_row("a")])
        with pytest.raises(Killed):
            run(make_drain(die_before_reacting))
        assert not DirtyDay.objects.exists()
        wait_until_overdue()
        run(make_drain(process))
        assert length() == 0
        assert DirtyDay.objects.exists() is marks


@pytest.mark.django_db
def test_dead_consumers_without_entries_are_forgotten(conference: Conference) -> None:
    holding, gone = Consumer(get_redis()), Consumer(get_redis())
    holding.ensure_group()
    append([make_row()])
    assert len(holding.read(count=1, block_ms=None)) == 1
    assert gone.read(count=1, block_ms=None) == []
    alive = Consumer(get_redis())
    wait_until_overdue()
    alive.read(count=1, block_ms=None)
    assert alive.forget_dead_consumers(idle_ms=IDLE_MS) == 1
    names = {item["name"].decode() for item in get_redis().xinfo_consumers(STREAM, "workers")}
    assert names == {holding.name, alive.name}, "entries of a forgotten consumer would be lost"


# --- poison -----------------------------------------------------------------------------------------------


def failing_on(event_id: str, error: BaseException) -> Callable[[Sequence[EventRow]], StoreResult]:
    def process(rows: Sequence[EventRow]) -> StoreResult:
        if any(row.event_id == event_id for row in rows):
            raise error
        return store_and_react(rows)

    return process


@pytest.mark.django_db
def test_an_entry_that_always_fails_becomes_a_dead_letter(conference: Conference) -> None:
    append([make_row("before")], [make_row("poison"), make_row("same-entry")], [make_row("after")])
    drain = make_drain(failing_on("poison", KeyError("reaction\0failed \ud800")))
    run(drain)
    assert stored_ids() == {"before", "after"}, "already in the first run"
    # On a busy machine an entry may become overdue and be tried again within one run.
    assert run_until_empty(lambda: run(drain)) <= MAX_DELIVERIES - 1
    assert stored_ids() == {"before", "after", "same-entry"}, "another client's event, with the last delivery"
    letter = DeadLetter.objects.get()
    assert (letter.deliveries, letter.event_count, letter.version) == (MAX_DELIVERIES, 1, "1")
    assert "KeyError" in letter.error

    dead_letters.replay(letter)  # the reaction works again
    run(make_drain())
    assert stored_ids() == {"before", "after", "poison", "same-entry"}
    letter.refresh_from_db()
    assert letter.replayed_at is not None


@pytest.mark.django_db
def test_entries_processed_alone_are_logged_as_stored(
    conference: Conference, caplog: pytest.LogCaptureFixture
) -> None:
    append([make_row("good"), make_row("good-too")], [make_row("poison")])
    with caplog.at_level("INFO", logger="analytics.stream.drain"):
        run(make_drain(failing_on("poison", KeyError())))
    lines = [str(record.msg) for record in caplog.records if "events_stored" in str(record.msg)]
    assert len(lines) == 1
    assert "'stored': 2" in lines[0]
    assert "'entries': 1" in lines[0]


@pytest.mark.django_db
def test_an_outage_while_halving_makes_no_dead_letter(conference: Conference) -> None:
    append([make_row("poison"), make_row("good")])
    drain = make_drain(failing_on("poison", KeyError()))
    for _ in range(MAX_DELIVERIES - 1):
        run(drain)
        wait_until_overdue()

    def fail_then_refuse(rows: Sequence[EventRow]) -> StoreResult:
        raise KeyError if len(rows) > 1 else redis.ConnectionError

    run(make_drain(fail_then_refuse))
    assert not DeadLetter.objects.exists()
    wait_until_overdue()
    run(make_drain())
    assert stored_ids() == {"poison", "good"}


@pytest.mark.django_db
def test_only_the_killing_entry_becomes_a_dead_letter(
    conference: Conference,
) -> None:
    append(*([make_row(f"good-{number}")] for number in range(40)))
    append([make_row("poison")])
    append(*([make_row(f"late-{number}")] for number in range(40)))
    run_until_empty(lambda: run(make_drain(failing_on("poison", Killed()))))
    assert [letter.event_count for letter in DeadLetter.objects.all()] == [1]
    assert DeadLetter.objects.get().deliveries == MAX_DELIVERIES + 1
    assert len(stored_ids()) == 80


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({b"v": b"99", b"e": b"\x90"}, "unknown entry version"),
        ({b"v": b"99", b"other": b"\xff\x00"}, "unknown entry version"),
        ({b"x": b"y"}, "unknown entry version"),
        ({b"v": b"1"}, "damaged entry"),
        ({b"v": b"1", b"e": b"\xc1garbage"}, "damaged entry"),
        ({b"v": b"1", b"e": b"\x91\x93\x01\x02\x03"}, "damaged entry"),
    ],
    ids=[
        "newer version",
        "newer version with other fields",
        "no version",
        "no rows",
        "garbage",
        "wrong types",
    ],
)
def test_an_unreadable_entry_is_kept_whole_and_replayable(
    conference: Conference, fields: dict[bytes, bytes], reason: str
) -> None:
    append(fields, [make_row("good")])
    drain = make_drain()
    run(drain)
    assert stored_ids() == {"good"}
    run_until_empty(lambda: run(drain))
    letter = DeadLetter.objects.get()
    assert letter.event_count is None
    assert reason in letter.error
    dead_letters.replay(letter)
    ((_, replayed),) = get_redis().xrange(STREAM)
    assert replayed == fields


@pytest.mark.django_db
def test_only_refused_rows_become_dead_letters(conference: Conference) -> None:
    broken = '{"not": json'  # no store takes it
    rows = [make_row(f"r{number}") for number in range(9)]
    rows[3].data = rows[7].data = broken
    append(rows, [make_row("other")])
    run(make_drain())
    assert stored_ids() == {"r0", "r1", "r2", "r4", "r5", "r6", "r8", "other"}
    assert length() == 0, "a refusal is final: there is nothing to wait for"
    assert {letter.id.split(":")[1] for letter in DeadLetter.objects.all()} == {"r3", "r7"}
    assert {letter.event_count for letter in DeadLetter.objects.all()} == {1}


@pytest.mark.django_db
def test_a_refused_row_is_kept_whatever_its_id_holds(conference: Conference) -> None:
    append([make_row("nul\0id", data="{"), make_row("good")])
    run(make_drain())
    assert stored_ids() == {"good"}
    assert length() == 0
    assert DeadLetter.objects.get().id.endswith(":nul\\x00id")


@pytest.mark.django_db
def test_refused_rows_with_similar_long_ids_are_all_kept(conference: Conference) -> None:
    append([make_row("会" * 20 + str(number), data="{") for number in range(3)])
    run(make_drain())
    assert DeadLetter.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("Key (link)=(summit/unlocked1) exists; database is locked"),
        OperationalError("no such column: database is locked"),
        DatabaseError("database is locked"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_quotes_a_lock_is_no_outage(conference: Conference, error: Exception) -> None:
    def refuse(rows: Sequence[EventRow]) -> StoreResult:
        raise error

    append([make_row("a")])
    drain = make_drain(refuse)
    run_until_empty(lambda: run(drain))
    assert DeadLetter.objects.count() == 1


# --- outages ----------------------------------------------------------------------------------------------


def caused(error: Any, cause: Exception) -> Any:
    error.__cause__ = cause
    return error


def locked() -> OperationalError:
    """The error that Django raises when another connection holds SQLite's lock."""
    with tempfile.TemporaryDirectory() as directory:
        holder, other = (sqlite3.connect(Path(directory) / "db", timeout=0) for _ in range(2))
        holder.execute("BEGIN IMMEDIATE")
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return caused(OperationalError(str(error)), error)
        finally:
            holder.close()
            other.close()
    raise AssertionError("two hold the lock")


def deadlocked() -> OperationalError:
    cause = psycopg.errors.DeadlockDetected("deadlock detected")
    return caused(OperationalError(str(cause)), cause)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "outage",
    [
        locked(),
        deadlocked(),
        caused(StoreUnavailableError("in other words"), locked()),
        redis.ConnectionError("gone"),
        redis.exceptions.OutOfMemoryError("maxmemory"),
    ],
    ids=["locked", "deadlock", "store unavailable", "Redis gone", "Redis full"],
)
def test_a_long_outage_leaves_everything_in_the_stream(conference: Conference, outage: Exception) -> None:
    append(*([make_row(f"e{number}")] for number in range(50)))

    def refuse(rows: Sequence[EventRow]) -> StoreResult:
        raise outage

    drain = make_drain(refuse)
    for _ in range(3 * MAX_DELIVERIES):
        run(drain)
        wait_until_overdue()
    assert length() == 50
    assert set(deliveries().values()) <= {0, 1}, "what was not tried is not counted"
    assert not DeadLetter.objects.exists()
    run(make_drain())
    assert (length(), len(stored_ids())) == (0, 50)


@pytest.mark.django_db
def test_an_outage_counts_against_no_single_entry(conference: Conference) -> None:
    """The outage hits entries that are already suspects, because workers died with them."""
    append([make_row("a")], [make_row("b")])
    for _ in range(ALONE_FROM_DELIVERY):
        with pytest.raises(Killed):
            run(make_drain(failing_on("a", Killed())))
        wait_until_overdue()

    def refuse(rows: Sequence[EventRow]) -> StoreResult:
        raise caused(StoreUnavailableError("locked"), locked())

    for _ in range(3 * MAX_DELIVERIES):
        run(make_drain(refuse))
        wait_until_overdue()
    run(make_drain())
    assert stored_ids() == {"a", "b"}
    assert not DeadLetter.objects.exists()


@pytest.mark.django_db
def test_an_unknown_column_is_no_outage(conference: Conference) -> None:
    """SQLite's "no such column" is an OperationalError, too, but the store still answers."""
    append([make_row("poison")], [make_row("good")])
    drain = make_drain(failing_on("poison", OperationalError("no such column: x")))
    run(drain)
    assert stored_ids() == {"good"}
    run_until_empty(lambda: run(drain))
    assert DeadLetter.objects.get().event_count == 1


@pytest.mark.django_db
def test_a_drain_rests_after_an_outage(conference: Conference) -> None:
    def refuse(rows: Sequence[EventRow]) -> StoreResult:
        raise caused(StoreUnavailableError("locked"), locked())

    drain = Drain(Consumer(get_redis(), claim_idle_ms=IDLE_MS), refuse, pause_seconds=0.3)
    append([make_row("a")])
    run(drain)
    get_redis().set(BELL, 1)
    started = time.monotonic()
    run(drain)
    assert get_redis().exists(BELL), "clients that go on posting ring once, not each time"
    time.sleep(max(0.0, 0.35 - (time.monotonic() - started)))
    run(drain)
    assert not get_redis().exists(BELL)


@pytest.mark.django_db
def test_the_group_is_recreated_after_redis_lost_its_data(conference: Conference) -> None:
    drain = make_drain()
    append([make_row("a")])
    run(drain)
    get_redis().flushall()
    append([make_row("b")])
    assert run(drain) is True, "run again"
    run(drain)
    assert stored_ids() == {"a", "b"}
    assert length() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", [2, 3])
def test_both_redis_protocols_work(conference: Conference, protocol: int) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, protocol=protocol)
    append([make_row("a")], [make_row("b")])
    drain = make_drain(failing_on("b", KeyError("x")), client=client)
    run(drain)
    assert stored_ids() == {"a"}
    assert list(deliveries().values()) == [1]
    wait_until_overdue()
    run(make_drain(client=client))
    assert stored_ids() == {"a", "b"}
    assert Consumer(client).forget_dead_consumers(idle_ms=0) >= 1
