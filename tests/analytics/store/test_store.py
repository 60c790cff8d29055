"""`insert_new` on the database of this run. bin/test runs these tests on the two others, too."""

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from django.conf import settings
from django.db import connections, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analytics import store
from analytics.events.rows import EventRow, to_row
from analytics.models import Event
from analytics.store import RowsRefusedError, StoreUnavailableError
from tests.analytics.streams import NOON_MS, make_row, stored_ids
from tests.support.environment import STORE

ALIAS = settings.ANALYTICS_DATABASE


def insert_new(rows: Sequence[EventRow]) -> set[str]:
    """Insert rows. Returns the ids of the new ones, without the conference."""
    return {key.rpartition("/")[0] for key in {row.key for row in rows} - store.insert_new(rows)}


BROKEN_JSON = '{"not": json'


@pytest.mark.django_db
def test_this_run_uses_the_database_that_it_names() -> None:
    assert connections[ALIAS].vendor == STORE


@pytest.mark.django_db
def test_all_new_ids_are_reported_new() -> None:
    assert insert_new([make_row("a"), make_row("b")]) == {"a", "b"}
    assert stored_ids() == {"a", "b"}


@pytest.mark.django_db
def test_known_ids_keep_what_is_stored() -> None:
    insert_new([make_row("a", visitor_id="first"), make_row("b")])
    assert insert_new([make_row("a", visitor_id="second"), make_row("b")]) == set()
    assert Event.objects.get(id__startswith="a/").visitor_id == "first"


@pytest.mark.django_db
def test_each_event_keeps_its_own_context_and_time() -> None:
    systems = ["iOS", "", "Linux", "iOS", "Windows", ""]
    insert_new(
        [
            make_row(f"e{number}", context=f'{{"os":"{system}"}}' if system else "", ts_ms=NOON_MS + number)
            for number, system in enumerate(systems)
        ]
    )
    rows = [to_row(event) for event in Event.objects.order_by("ts")]
    assert [row.event_id for row in rows] == [f"e{number}" for number in range(6)]
    assert [msgspec.json.decode(row.context)["os"] if row.context else "" for row in rows] == systems
    assert [row.ts_ms for row in rows] == [NOON_MS + number for number in range(6)]


@pytest.mark.django_db
def test_only_new_ids_are_reported() -> None:
    insert_new([make_row("b"), make_row("d")])
    rows = [make_row(event_id) for event_id in "fedcba"]
    assert insert_new(rows) == {"a", "c", "e", "f"}
    assert stored_ids() == set("abcdef")


@pytest.mark.django_db
def test_inserting_no_rows_does_nothing() -> None:
    assert insert_new([]) == set()


@pytest.mark.django_db
def test_thousands_of_rows_go_in_at_once() -> None:
    rows = [make_row(f"n{number}") for number in range(6000)]
    assert len(insert_new(rows[:3000])) == 3000
    assert insert_new(rows) == {row.event_id for row in rows[3000:]}
    assert Event.objects.count() == 6000


@pytest.mark.django_db
def test_ids_differ_by_case_and_blanks() -> None:
    ids = {"id", "ID", "id ", " id", "ıd", "i\u0301d", "íd"}
    assert insert_new([make_row(event_id) for event_id in ids]) == ids
    assert stored_ids() == ids


# --- values -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ts_ms": 0, "received_ms": NOON_MS + 999},
        {"ts_ms": -86_400_001},  # an import may be older than 1970
        {"ts_ms": 4_102_444_799_999},
        {"local_date": dt.date(2024, 2, 29), "is_bot": True},
        {"visitor_id": "", "session_id": ""},
        {"visitor_id": "😀" * 64, "data": '{"page":"/日本語/\\u0001?q=\'\\"%s\\\\"}'},
        {"properties": '{"a.b":{"$set":[1,2.5,null,true,{"c":"𝒳"}]},"":-9223372036854775808}'},
    ],
    ids=["plain", "epoch", "before 1970", "far", "leap day", "empty", "text", "nested"],
)
def test_the_orm_returns_values_as_they_went_in(fields: dict[str, object]) -> None:
    row = make_row("a", **fields)
    insert_new([row])
    check_same(to_row(Event.objects.get(id__startswith="a/")), row)


def check_same(read: EventRow, written: EventRow) -> None:
    expected = msgspec.structs.asdict(written)
    found = msgspec.structs.asdict(read)
    for name in ("data", "properties"):
        expected[name], found[name] = (msgspec.json.decode(values[name]) for values in (expected, found))
    assert found == expected


@pytest.mark.django_db
@hypothesis_settings(max_examples=50)
@given(
    milliseconds=st.integers(-2_000_000_000_000, 4_102_444_800_000),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=64),
    number=st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15).map(lambda value: round(value, 3)),
)
def test_any_values_come_back_as_they_went_in(milliseconds: int, text: str, number: float) -> None:
    Event.objects.all().delete()
    data = msgspec.json.encode({"k": [text, number]}).decode()
    row = make_row("a", ts_ms=milliseconds, received_ms=milliseconds, visitor_id=text, data=data)
    insert_new([row])
    check_same(to_row(Event.objects.get(id__startswith="a/")), row)


INSTANTS_MS = [NOON_MS, NOON_MS + 1, NOON_MS + 999, NOON_MS + 1000, NOON_MS + 60_000, NOON_MS - 1, 0, 120]


@pytest.mark.django_db
@pytest.mark.parametrize("at_once", [200_000, 1])
def test_viewers_are_found_once_each(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.store.sqlite._MAX_SUBJECTS_AT_ONCE", at_once)
    store.insert_new(
        [make_row(f"e{number}", subject=f"v{number % 2}") for number in range(5)]
        + [make_row("bot", subject="v7", is_bot=True), make_row("share", subject="v8", type="share")]
    )
    Event.objects.update(local_date=dt.date(2026, 5, 1))
    assert sorted(store.find_viewers("summit", dt.date(2026, 5, 1))) == ["v0", "v1"]
    assert not store.find_viewers("summit", dt.date(2026, 5, 2))


@pytest.mark.django_db
def test_events_are_found_and_ordered_as_with_the_orm() -> None:
    insert_new([make_row(f"t{ms}", ts_ms=ms) for ms in INSTANTS_MS])
    assert [event.event_id for event in Event.objects.order_by("ts")] == [
        f"t{ms}" for ms in sorted(INSTANTS_MS)
    ]
    for ms in INSTANTS_MS:
        instant = dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
        assert Event.objects.get(ts=instant).event_id == f"t{ms}"
        assert Event.objects.filter(ts__gte=instant).count() == sum(other >= ms for other in INSTANTS_MS)
        assert Event.objects.filter(ts__lt=instant).count() == sum(other < ms for other in INSTANTS_MS)


@pytest.mark.django_db
def test_the_table_holds_exactly_what_the_orm_would_write() -> None:
    row = make_row("bulk", local_date=dt.date(2026, 5, 1), properties='{"b":[1,{"c":"é"}]}', is_bot=True)
    rows = [row, *(make_row(f"bulk{ms}", ts_ms=ms, received_ms=ms) for ms in INSTANTS_MS)]
    insert_new(rows)
    for event in Event.objects.all():
        event.id = event.id.replace("bulk", "orm")
        event.save(force_insert=True)
    if STORE == "mongodb":
        documents = connections[ALIAS].get_collection(Event._meta.db_table).find({})
        raw = {document.pop("_id"): document for document in documents}
    else:
        with connections[ALIAS].cursor() as cursor:
            # The value in SQLite, before any converter.
            fields = [field for field in Event._meta.fields if field.name not in ("data", "properties")]
            quoted = ", ".join(f"CAST({field.column} AS text)" for field in fields)
            cursor.execute(f"SELECT {quoted} FROM {Event._meta.db_table}")
            raw = {values[0]: values[1:] for values in cursor.fetchall()}
    for key in {row.key for row in rows}:
        assert raw[key] == raw[key.replace("bulk", "orm")]


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad",
    [{"data": BROKEN_JSON}, {"properties": ""}, {"context": '{"os":"iOS"},{"os":"Linux"}'}],
    ids=["data", "properties", "context"],
)
def test_the_others_can_be_stored_after_a_refused_row(
    bad: dict[str, str],
) -> None:
    rows = [make_row("good"), make_row("bad", **bad), make_row("fine")]
    with pytest.raises(RowsRefusedError):
        insert_new(rows)
    insert_new([rows[0], rows[2]])
    assert stored_ids() == {"good", "fine"}


@pytest.mark.django_db
@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    "bad", [{"visitor_id": "a\0b"}, {"data": '{"page":"\\u0000"}'}, {"visitor_id": "x" * 65}]
)
def test_postgresql_refuses_nul_and_text_that_is_too_long(bad: dict[str, str]) -> None:
    with pytest.raises(RowsRefusedError):
        insert_new([make_row("bad", **bad)])
    assert insert_new([make_row("good")]) == {"good"}


@pytest.mark.django_db
@pytest.mark.only_on("postgresql")
def test_a_deleted_event_stays_deleted_in_a_callers_transaction() -> None:
    with transaction.atomic():
        insert_new([make_row("a")])
        Event.objects.all().delete()
        assert insert_new([make_row("b")]) == {"b"}
        assert stored_ids() == {"b"}


# --- several writers --------------------------------------------------------------------------------------


class Writers:
    """Threads that insert the same rows, each in another order, so that two transactions block each other.

    new: the ids that were reported new, by insert; failures: the errors.
    """

    def __init__(self) -> None:
        rows = [make_row(f"w{number:04d}") for number in range(2000)]
        self.new: list[set[str]] = []
        self.failures: list[BaseException] = []
        orders = [rows, rows[::-1], rows[1000:] + rows[:1000], rows[::2] + rows[1::2]]
        self._begin = threading.Barrier(len(orders))
        threads = [threading.Thread(target=self._write, args=(order,)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)

    def _write(self, order: list[EventRow]) -> None:
        try:
            self._begin.wait(20)
            for start in range(0, len(order), 500):
                self.new.append(insert_new(order[start : start + 500]))
        except BaseException as error:
            self.failures.append(error)
        finally:
            connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_writers_neither_report_twice_nor_deadlock() -> None:
    for round_number in range(3):
        Event.objects.all().delete()
        writers = Writers()
        assert not writers.failures
        reported = [event_id for ids in writers.new for event_id in ids]
        assert len(reported) == len(set(reported)) == 2000, f"round {round_number}"
        assert Event.objects.count() == 2000


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_control_unsorted_the_same_writers_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr("analytics.store.postgresql.sorted", lambda rows, key: rows, raising=False)
    for _ in range(60):  # on a busy machine the writers may follow each other
        Event.objects.all().delete()
        failures = Writers().failures
        if failures:
            break
    assert "deadlock detected" in "".join(map(str, failures))


# --- outages ----------------------------------------------------------------------------------------------


@pytest.fixture
def outage() -> Iterator[None]:
    """Keep the database from taking writes of this process. Each kind does so in its own way."""
    connection = connections[ALIAS]
    connection.ensure_connection()
    if STORE == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        connection.close()
    elif STORE == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        killer = connection.copy()
        with killer.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [backend])
        killer.close()
        yield
    else:
        from pymongo import MongoClient

        database = connection.database
        nowhere = MongoClient("127.0.0.1:9", serverSelectionTimeoutMS=100)
        connection.database = nowhere["nowhere"]
        yield
        nowhere.close()
        connection.database = database


@pytest.mark.django_db(transaction=True)
def test_an_absent_or_locked_database_is_an_outage(outage: None) -> None:
    with pytest.raises(StoreUnavailableError):
        insert_new([make_row("a")])


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_the_insert_after_a_lost_connection_reconnects(outage: None) -> None:
    with pytest.raises(StoreUnavailableError):
        insert_new([make_row("a")])
    assert insert_new([make_row("a")]) == {"a"}


@pytest.mark.django_db(transaction=True)
def test_the_store_is_probed_by_a_write(request: pytest.FixtureRequest) -> None:
    assert store.takes_writes()
    request.getfixturevalue("outage")
    assert not store.takes_writes()


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_a_read_only_standby_is_an_outage() -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreUnavailableError):
            insert_new([make_row("a")])
        assert not store.takes_writes()
    finally:
        connections[ALIAS].close()
