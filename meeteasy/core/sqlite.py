"""Inserting many rows into SQLite, dozens with each statement, and keeping its log small.

A statement per row costs the driver more than a narrow row itself: a lock, a reset, and with AUTOINCREMENT
another row each time.
"""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

# Of one statement; beyond some hundreds, more gain nothing. Any build of SQLite takes 999.
_VALUES_AT_ONCE = 300
# How long `bound_log` waits for readers. Other writers wait meanwhile.
_CHECKPOINT_MS = 500


def insert_rows(
    connection: BaseDatabaseWrapper,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    shared: Mapping[str, Any] | None = None,
    on_conflict: str = "",
) -> int:
    """Insert rows and return how many. Rows that `on_conflict` skips are not counted.

    rows: their values of `columns`, read some at a time. A generator makes them while the processor still has
        the memory of those before at hand; making thousands beforehand takes nearly twice as long.
    shared: values of further columns, which all rows have in common, so each is passed once a statement.

    Must run in a transaction, which an error has to undo: `OR FAIL` leaves the rows before the refused one.
    Otherwise SQLite copies each page before the statement changes it, only to be able to undo the statement.

    Pass booleans as 0 and 1, because the driver looks for an adapter for each bool. This bypasses Django's
    cursor, which would look for its own kind of placeholders in each of these long statements.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("insert_rows must run in a transaction")
    connection.ensure_connection()
    raw: sqlite3.Connection = connection.connection
    names, common = tuple(shared or ()), tuple((shared or {}).values())
    width = len(columns)
    at_once = _VALUES_AT_ONCE // width
    many, one = (_statement(table, tuple(columns), names, count, on_conflict) for count in (at_once, 1))
    full = len(names) + at_once * width
    left = iter(rows)
    inserted = 0
    with connection.wrap_database_errors:
        while len(values := (*common, *chain.from_iterable(islice(left, at_once)))) == full:
            inserted += raw.execute(many, values).rowcount
        rest = range(len(names), len(values), width)
        inserted += sum(raw.execute(one, common + values[at : at + width]).rowcount for at in rest)
    return inserted


def insert_new(
    connection: BaseDatabaseWrapper,
    table: str,
    columns: Sequence[str],
    groups: Iterable[tuple[Mapping[str, Any], Iterable[Sequence[Any]]]],
    *,
    count: int,
    key: str,
) -> set[str] | None:
    """Insert the rows that conflict with no unique constraint. Returns their values of the column `key`, or
    None if all rows were new, which is the usual case and needs no query.

    groups: `shared` and `rows` of `insert_rows`. count: of all rows. The transaction must hold the write lock
    from its beginning (Django's does, with `transaction_mode` IMMEDIATE). Then all rowids above the former
    highest one are ours.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(rowid) FROM {table}")  # noqa: S608  a table of ours
        before = cursor.fetchone()[0] or 0
        # Unlike INSERT OR IGNORE, this does not swallow a NULL where none may be.
        skip = "ON CONFLICT DO NOTHING"
        inserted = sum(
            insert_rows(connection, table, columns, rows, shared=shared, on_conflict=skip)
            for shared, rows in groups
        )
        if inserted == count:
            return None
        if inserted == 0:
            return set()
        cursor.execute(f"SELECT {key} FROM {table} WHERE rowid > %s", [before])  # noqa: S608
        return {value for (value,) in cursor.fetchall()}


def bound_log(connection: BaseDatabaseWrapper) -> bool:
    """Write the log (WAL) back and empty it if it has grown beyond its limit. Returns whether it did.

    SQLite begins the log again only at a commit with no reader in it, and two busy writers leave no such
    moment: two imports made a log of 834 MB beside 353 MB of data. Call it outside a transaction.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return False
    try:
        if os.stat(f"{connection.settings_dict['NAME']}-wal").st_size < settings.SQLITE_LOG_BYTES:
            return False
    except FileNotFoundError:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = cursor.fetchone()[0]
        except OperationalError:  # another connection does it
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {settings.DATABASE_WAIT_SECONDS * 1000}")
    return not is_busy


@lru_cache(maxsize=64)
def _statement(
    table: str, columns: tuple[str, ...], shared: tuple[str, ...], rows: int, on_conflict: str
) -> str:
    """The parameters are the values of `shared`, then those of `columns` for each row."""
    first, width = len(shared), len(columns)
    common = [f"?{number}" for number in range(1, first + 1)]
    values = ", ".join(
        "(" + ", ".join(common + [f"?{first + row * width + at}" for at in range(1, width + 1)]) + ")"
        for row in range(rows)
    )
    names = ", ".join(shared + columns)
    return f"INSERT OR FAIL INTO {table} ({names}) VALUES {values} {on_conflict}"  # noqa: S608
