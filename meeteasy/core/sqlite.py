"""Inserting many rows into SQLite, a hundred with each statement, and keeping its log small.

A statement per row costs the driver more than a narrow row itself: a lock, a reset, and with AUTOINCREMENT
another row each time.
"""

import os
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

_ROWS_AT_ONCE = 100
# How long `bound_log` waits for readers. Other writers wait meanwhile.
_CHECKPOINT_MS = 500


def insert_rows(
    connection: BaseDatabaseWrapper,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    on_conflict: str = "",
) -> int:
    """Insert rows and return how many. Rows that `on_conflict` skips are not counted.

    Must run in a transaction, which an error has to undo: `OR FAIL` leaves the rows before the refused one.
    Otherwise SQLite copies each page before the statement changes it, only to be able to undo the statement.

    Pass booleans as 0 and 1, because the driver looks for an adapter for each bool. This bypasses Django's
    cursor, which would look for its own kind of placeholders in each of these long statements.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("insert_rows must run in a transaction")
    connection.ensure_connection()
    raw: sqlite3.Connection = connection.connection
    at_once = min(_ROWS_AT_ONCE, raw.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(columns))
    end = len(rows) // at_once * at_once
    statement = _statement(table, tuple(columns), at_once, on_conflict)
    inserted = 0
    with connection.wrap_database_errors:
        for start in range(0, end, at_once):
            values = tuple(chain.from_iterable(rows[start : start + at_once]))
            inserted += raw.execute(statement, values).rowcount
        if end < len(rows):
            rest = _statement(table, tuple(columns), 1, on_conflict)
            inserted += raw.executemany(rest, rows[end:]).rowcount
    return inserted


def insert_new(
    connection: BaseDatabaseWrapper,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    key: str,
) -> set[str]:
    """Insert the rows that conflict with no unique constraint. Returns their values of the column `key`.

    The transaction must hold the write lock from its beginning (Django's does, with `transaction_mode`
    IMMEDIATE). Then all rowids above the former highest one are ours. In the usual case all rows are new,
    which needs no query.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(rowid) FROM {table}")  # noqa: S608  a table of ours
        before = cursor.fetchone()[0] or 0
        # Unlike INSERT OR IGNORE, this does not swallow a NULL where none may be.
        inserted = insert_rows(connection, table, columns, rows, on_conflict="ON CONFLICT DO NOTHING")
        if inserted == len(rows):
            at = columns.index(key)
            return {row[at] for row in rows}
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
def _statement(table: str, columns: tuple[str, ...], rows: int, on_conflict: str) -> str:
    row = f"({', '.join('?' * len(columns))})"
    values = ", ".join([row] * rows)
    return f"INSERT OR FAIL INTO {table} ({', '.join(columns)}) VALUES {values} {on_conflict}"  # noqa: S608
