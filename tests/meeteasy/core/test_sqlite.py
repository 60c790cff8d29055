"""Many rows in one statement: all are inserted, and existing ones are not counted."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from meeteasy.core.sqlite import insert_rows

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="on this database rows are copied"),
]

COLUMNS = ("id", "conference_id", "ms")
TABLE = "sharing_dirtydayoutbox"


def rows_of(*numbers: int) -> list[tuple[int, str, int]]:
    return [(number, "summit", number * 10) for number in numbers]


def stored() -> list[tuple[int, str, int]]:
    with connection.cursor() as cursor:
        return list(cursor.execute(f"SELECT id, conference_id, ms FROM {TABLE} ORDER BY id").fetchall())


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_rows_are_inserted_and_counted(count: int) -> None:
    rows = rows_of(*range(count))
    assert insert_rows(connection, TABLE, COLUMNS, rows) == count
    assert stored() == rows


def test_skipped_rows_are_not_counted() -> None:
    insert_rows(connection, TABLE, COLUMNS, rows_of(3, 120, 204))
    rows = rows_of(*range(205))
    assert insert_rows(connection, TABLE, COLUMNS, rows, on_conflict="ON CONFLICT DO NOTHING") == 202
    assert stored() == rows


@pytest.mark.parametrize("known", [3, 204])
def test_driver_errors_become_djangos_errors(known: int) -> None:
    insert_rows(connection, TABLE, COLUMNS, rows_of(known))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(connection, TABLE, COLUMNS, rows_of(*range(205)))
    assert stored() == rows_of(known)


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_nothing_could_undo_a_part_of_the_rows() -> None:
    with pytest.raises(TransactionManagementError):
        insert_rows(connection, TABLE, COLUMNS, rows_of(1))
    assert stored() == []
