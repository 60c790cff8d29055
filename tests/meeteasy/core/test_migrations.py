"""Steps of migrations on a database that has rows, beside a connection that works on."""

import sqlite3
from collections.abc import Iterator

import pytest
from django.db import connection

from analytics.models import Event
from meeteasy.core.migrations import drop_json_checks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has these checks"),
]


@pytest.fixture
def table() -> Iterator[str]:
    """A table as Django makes it, with a row and an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            'CREATE TABLE "notes" ("id" integer NOT NULL PRIMARY KEY, '
            '"data" text NOT NULL CHECK ((JSON_VALID("data") OR "data" IS NULL)), '
            '"size" integer unsigned NOT NULL CHECK ("size" >= 0), '
            '"context" text NULL CHECK ((JSON_VALID("context") OR "context" IS NULL)))'
        )
        cursor.execute("CREATE INDEX notes_data ON notes (data)")
        cursor.execute("INSERT INTO notes VALUES (1, '{}', 1, NULL)")
        yield "notes"
        cursor.execute("DROP TABLE notes")


def test_json_checks_are_dropped_and_nothing_else(table: str) -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    insert = f"INSERT INTO {table} VALUES (?, ?, ?, ?)"
    with pytest.raises(sqlite3.IntegrityError, match="JSON_VALID"):
        other.execute(insert, (2, "no JSON", 1, None))

    with connection.schema_editor() as editor:
        drop_json_checks(table).code(None, editor)  # type: ignore[arg-type]

    other.execute(insert, (2, "no JSON", 1, "nor this"))  # the checks are gone for those who were there
    for refused in [(3, None, 1, None), (4, "{}", -1, None), (1, "{}", 1, None)]:
        with pytest.raises(sqlite3.IntegrityError):
            other.execute(insert, refused)
    assert other.execute(f"SELECT id FROM {table} INDEXED BY notes_data ORDER BY data").fetchall() == [
        (2,), (1,),
    ]  # fmt: skip
    assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()


def test_the_table_of_events_has_none() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [Event._meta.db_table])
        assert "CHECK" not in cursor.fetchone()[0]
