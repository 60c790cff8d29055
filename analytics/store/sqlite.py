"""SQLite: executemany of INSERT OR IGNORE, in one transaction."""

from collections.abc import Sequence

from django.db import connections, transaction

from analytics.rows import EventRow
from analytics.store._columns import COLUMNS, TABLE, sql_values

# INSERT OR IGNORE would also swallow a NULL where none may be; ON CONFLICT names the one conflict we mean.
_INSERT = (
    f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) "  # noqa: S608  constants
    f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT (event_id) DO NOTHING"
)


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new.

    Which rows were new is read off the rowids: the transaction holds the write lock from its beginning, so
    everything above the highest rowid before is ours. The usual case, all new, needs no query.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(f"SELECT max(rowid) FROM {TABLE}")  # noqa: S608
        before = cursor.fetchone()[0] or 0
        cursor.executemany(_INSERT, sql_values(list(rows)))
        if cursor.rowcount == len(rows):
            return {row.event_id for row in rows}
        if cursor.rowcount == 0:
            return set()
        cursor.execute(f"SELECT event_id FROM {TABLE} WHERE rowid > %s", [before])  # noqa: S608
        return {event_id for (event_id,) in cursor.fetchall()}
