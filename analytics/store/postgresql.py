"""PostgreSQL: COPY into a temporary table, then one INSERT … SELECT … ON CONFLICT DO NOTHING."""

from collections.abc import Sequence
from operator import itemgetter

from django.db import connections, transaction

from analytics.events.rows import EventRow
from analytics.store._columns import COLUMNS, KEY, TABLE, sql_values
from analytics.store._counting import count_day, find_viewers
from analytics.store._days import read_day
from analytics.store._presence import count_present

_COLUMN_LIST = ", ".join(COLUMNS)
_STAGE = "event_stage"
_CREATE = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {_STAGE} ON COMMIT DELETE ROWS AS "  # noqa: S608
    f"SELECT {_COLUMN_LIST} FROM {TABLE} WITH NO DATA"
)
_COPY = f"COPY {_STAGE} ({_COLUMN_LIST}) FROM STDIN"
_INSERT = (
    f"INSERT INTO {TABLE} ({_COLUMN_LIST}) SELECT {_COLUMN_LIST} FROM {_STAGE} "  # noqa: S608
    f"ON CONFLICT ({KEY}) DO NOTHING RETURNING {KEY}"
)


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new.

    Sorted by key, because two workers that insert the same rows in different orders would each wait for the
    other's half (a deadlock, which PostgreSQL ends by failing one).
    """
    values = sorted(sql_values(rows), key=itemgetter(0))
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(_CREATE)
        # Django's cursor does not translate the errors of what comes while a COPY is open.
        with connections[using].wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in values:
                copy.write_row(row)
        cursor.execute(_INSERT)
        new_keys = {key for (key,) in cursor.fetchall()}
        if nested:  # there is no commit that would empty the stage
            cursor.execute(f"DELETE FROM {_STAGE}")  # noqa: S608
        return new_keys


__all__ = ["count_day", "count_present", "find_viewers", "insert_new", "read_day"]
