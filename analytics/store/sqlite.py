"""SQLite: rows by the hundred in one transaction; distinct subjects counted outside the database."""

import datetime as dt
from collections.abc import Collection, Sequence

import msgspec
from django.db import connections, transaction

from analytics.event_types import EVENT_TYPES
from analytics.events.rows import EventRow
from analytics.store._columns import COLUMNS, KEY, TABLE, check_json, sql_values
from analytics.store._counting import DayCount
from analytics.store._counting import find_viewers as find_many_viewers
from analytics.store._days import read_day
from analytics.store._presence import count_present
from meeteasy.core import sqlite


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new."""
    _check_json(rows)
    with transaction.atomic(using=using):
        return sqlite.insert_new(connections[using], TABLE, COLUMNS, sql_values(rows), key=KEY)


def _check_json(rows: Sequence[EventRow]) -> None:
    """Refuse rows with a text that is no JSON, as other databases do. Raises ValueError.

    Checks in the table would do the same at five times the cost, since SQLite parses each text into a tree.
    """
    check_json([row.data for row in rows])
    check_json({row.properties for row in rows} | {row.context for row in rows if row.context})


# As one JSON array a day's subjects cross over to a set in half the time that SQLite's own count(DISTINCT)
# takes. It costs memory, so only up to so many; `is_bot = 0` because SQLite looks up NOT is_bot in no index.
_MAX_SUBJECTS_AT_ONCE = 200_000
_OF_DAY = f"FROM {TABLE} WHERE conference_id = %s AND local_date = %s AND is_bot = 0 AND type = %s"
_SUBJECTS = (
    f"SELECT %s, count(*), json_group_array(subject) FROM (SELECT subject {_OF_DAY} "  # noqa: S608
    f"LIMIT {_MAX_SUBJECTS_AT_ONCE + 1})"
)
_COUNT = f"SELECT count(*), count(DISTINCT subject) {_OF_DAY}"
_decode_subjects = msgspec.json.Decoder(set[str]).decode


def count_day(conference_id: str, date: dt.date, *, using: str) -> dict[str, DayCount]:
    """See analytics.store.count_day."""
    counts: dict[str, DayCount] = {}
    of_day = (conference_id, date.isoformat())
    with connections[using].cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(_SUBJECTS for _ in EVENT_TYPES),
            [parameter for name in EVENT_TYPES for parameter in (name, *of_day, name)],
        )
        for name, events, subjects in cursor.fetchall():
            if events > _MAX_SUBJECTS_AT_ONCE:
                counts[name] = DayCount(*cursor.execute(_COUNT, [*of_day, name]).fetchone())
            elif events:
                counts[name] = DayCount(events, len(_decode_subjects(subjects)))
    return counts


def find_viewers(conference_id: str, date: dt.date, *, using: str) -> Collection[str]:
    """See analytics.store.find_viewers."""
    with connections[using].cursor() as cursor:
        parameters = ["", conference_id, date.isoformat(), "page_view"]
        _, events, subjects = cursor.execute(_SUBJECTS, parameters).fetchone()
    if events > _MAX_SUBJECTS_AT_ONCE:
        return find_many_viewers(conference_id, date, using=using)
    viewers: Collection[str] = _decode_subjects(subjects)
    return viewers


__all__ = ["count_day", "count_present", "find_viewers", "insert_new", "read_day"]
