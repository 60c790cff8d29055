"""PostgreSQL: COPY into a temporary table, then one INSERT … SELECT … ON CONFLICT DO NOTHING."""

from collections.abc import Sequence
from operator import itemgetter

from django.db import connections, transaction

from analytics.events.rows import EventRow
from analytics.store._columns import COLUMNS, KEY, TABLE, group_rows, make_tuples, read_json
from analytics.store._counting import count_day, find_viewers
from analytics.store._days import read_day
from analytics.store._presence import count_present

_STAGE = "event_stage"
# Columns that the stage has otherwise than the table, and what the table gets of them: reading times and JSON
# out of text was a tenth of the server's work. Times are milliseconds. Few events have a context of their
# own, so each context is sent once, in an array, and the stage says where it is there.
_STAGED = {
    "ts": ("bigint", "to_timestamp(ts / 1000::float8)"),  # rounded to microseconds, so exact
    "received_at": ("bigint", "to_timestamp(received_at / 1000::float8)"),
    "context": ("integer", "contexts -> context"),
}
_COLUMN_LIST = ", ".join(COLUMNS)
_CREATE = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {_STAGE} ON COMMIT DELETE ROWS AS SELECT "  # noqa: S608
    + ", ".join(f"NULL::{_STAGED[name][0]} AS {name}" if name in _STAGED else name for name in COLUMNS)
    + f" FROM {TABLE} WITH NO DATA"
)
_COPY = f"COPY {_STAGE} ({_COLUMN_LIST}) FROM STDIN"
_INSERT = (
    f"INSERT INTO {TABLE} ({_COLUMN_LIST}) SELECT "  # noqa: S608
    + ", ".join(_STAGED[name][1] if name in _STAGED else name for name in COLUMNS)
    + f" FROM {_STAGE}, (SELECT %s::jsonb AS contexts OFFSET 0) AS sent "  # OFFSET 0: parsed once
    f"ON CONFLICT ({KEY}) DO NOTHING RETURNING {KEY}"
)


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new.

    Sorted by key, because two workers that insert the same rows in different orders would each wait for the
    other's half (a deadlock, which PostgreSQL ends by failing one).
    """
    contexts = list({row.context for row in rows if row.context})
    for context in contexts:
        read_json(context)  # one that is no JSON might be several in the array
    values = sorted(_staged_values(rows, contexts), key=itemgetter(0))
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(_CREATE)
        # Django's cursor does not translate the errors of what comes while a COPY is open.
        with connections[using].wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in values:
                copy.write_row(row)
        cursor.execute(_INSERT, [f"[{','.join(contexts)}]"])
        known = set()
        if cursor.rowcount < len(rows):
            known = {row.key for row in rows} - {key for (key,) in cursor.fetchall()}
        if nested:  # there is no commit that would empty the stage
            cursor.execute(f"DELETE FROM {_STAGE}")  # noqa: S608
        return known


def _staged_values(rows: Sequence[EventRow], contexts: Sequence[str]) -> list[tuple[str | int | None, ...]]:
    """Tuples in the order of COLUMNS, as the stage has them."""
    places: dict[str, int | None] = {context: place for place, context in enumerate(contexts)}
    places[""] = None
    return [
        own + shared
        for shared, same in group_rows(rows).items()
        for own in make_tuples(
            same,
            ts=(row.ts_ms for row in same),
            received_at=(row.received_ms for row in same),
            context=(places[row.context] for row in same),
        )
    ]


__all__ = ["count_day", "count_present", "find_viewers", "insert_new", "read_day"]
