"""A stored history of millions of events, made inside SQLite, since only its size and order matter."""

import sqlite3
from pathlib import Path

from benchmarks.harness.batches import CONFERENCES

DAYS = 30
_FIRST_DAY = "2026-01-01"

# Version 7 with the row's number as its time, so that ids follow each other; or wholly random.
_IDS = {
    "ordered": "printf('%08x-%04x-7%s-9%s-%s', (n / 50 + 1767225600000) >> 16, "
    "(n / 50 + 1767225600000) & 65535, substr(noise, 1, 3), substr(noise, 4, 3), substr(noise, 7, 12))",
    "random": "printf('%s-%s-4%s-9%s-%s', substr(noise, 1, 8), substr(noise, 9, 4), substr(noise, 13, 3), "
    "substr(noise, 16, 3), substr(noise, 19, 12))",
}
# The time of day of row n.
_TIME = "strftime(' %H:%M:%f000', n * 7 % 86400000 / 1000.0, 'unixepoch')"
_CHUNK = 1_000_000


def add_history(database: Path, *, first: int, events: int, ids: str = "ordered") -> None:
    """Insert `events` page views, numbers `first` and up, over 20 conferences and 30 days.

    They are in the order of time on each day, with a tenth as many visitors as events. Our index is dropped
    meanwhile and made again: built at once it is packed more tightly than one that grew, which favours
    neither size of history.
    """
    with sqlite3.connect(database, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        (index,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'event_day_figures'"
        ).fetchone()
        connection.execute("DROP INDEX event_day_figures")
        for start in range(first, first + events, _CHUNK):
            count = min(_CHUNK, first + events - start)
            connection.execute(
                f"""
                INSERT INTO analytics_event (_id, conference_id, type, ts, received_at, local_date,
                    visitor_id, session_id, subject, is_bot, data, properties, hold)
                SELECT {_IDS[ids]} || '/' || printf('bench-%02d', n % {len(CONFERENCES)}),
                    printf('bench-%02d', n % {len(CONFERENCES)}), 'page_view',
                    moment, moment, day, visitor, substr(visitor, 1, 16), visitor, 0,
                    '{{"page":"/agenda","title":"Conference programme"}}', '{{}}', ''
                FROM (
                    SELECT *, day || {_TIME} AS moment FROM (
                    SELECT n, lower(hex(randomblob(15))) AS noise,
                        date('{_FIRST_DAY}', '+' || (n / {len(CONFERENCES)} % {DAYS}) || ' days') AS day,
                        printf('%08x%024d', abs(random()) % max({events} / 10, 1), 0) AS visitor
                    FROM (WITH RECURSIVE c(n) AS (
                        SELECT {start} UNION ALL SELECT n + 1 FROM c LIMIT {count}) SELECT n FROM c))
                )
                {"ORDER BY 1" if ids == "random" else ""}
                """
            )
        connection.execute(index)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def add_day(database: Path, *, conference: str, date: str, events: int) -> None:
    """One day of one conference that history lacks, with `events` page views of half as many visitors."""
    with sqlite3.connect(database) as connection:
        connection.execute(
            f"""
            INSERT INTO analytics_event (_id, conference_id, type, ts, received_at, local_date,
                visitor_id, session_id, subject, is_bot, data, properties, hold)
            SELECT 'day-' || n || '/' || :conference, :conference, 'page_view',
                :date || {_TIME}, :date || {_TIME}, :date,
                v, '', v, 0, '{{}}', '{{}}', ''
            FROM (SELECT n, printf('%032x', n * 7919 % {max(events // 2, 1)}) AS v
                  FROM (WITH RECURSIVE c(n) AS (
                      SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {events}) SELECT n FROM c))
            """,
            {"conference": conference, "date": date},
        )
