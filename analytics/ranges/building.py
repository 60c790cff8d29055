"""From a day's rows to its segment: visits are found, and everything is written as one Parquet file."""

import csv
import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.ranges.columns import CONTEXT_COLUMNS, EXTRACTED, SOURCE_COLUMNS, VISIT_MS
from analytics.ranges.engine import open_cursor, quote
from analytics.ranges.facts import Facts, read_facts

if TYPE_CHECKING:
    import duckdb

# Folders for a moment; one that a killed process left is swept (analytics/preparing.py).
SCRATCH = "meeteasy-segment-"
_NULL = "\\N"  # an empty text is no NULL here, and nothing else is

# Who did something, and when, is enough to find visits. `md5` makes a visitor's id 16 bytes long, whatever it
# was: texts of up to 64 characters are slow to compare. `place` is the place of an event in its day.
_EVENTS = """
CREATE TEMP TABLE events AS
SELECT * EXCLUDE (visitor, key),
    CASE WHEN visitor = '' THEN NULL ELSE md5(visitor)::UUID END AS visitor,
    row_number() OVER (ORDER BY ts, key)::UINTEGER AS place
FROM raw
"""
_EVENING = "CREATE TEMP TABLE evening AS SELECT md5(visitor)::UUID AS visitor, ts FROM raw_evening"

VISIT_COLUMNS = (
    "visit", "is_first", "is_entry", "goes_on", "is_late", "visit_end", "visit_events", "visit_views",
    "context_views", "source_views",
)  # fmt: skip


def with_visits(events: str, evening: str, *, ends_ms: int) -> str:
    """SQL that adds visits to events (visitor, ts, place, type, contexts, sources): VISIT_COLUMNS.

    evening: SQL of (visitor, ts) of the visitors of the half hour before. ends_ms: when the day ends.

    visit: when its first event of the day was, UTC ms; with the visitor, this names it. is_first: of its
    events. is_entry: of its page views. goes_on: the visit began the evening before. is_late: it may go on
    after midnight. context_views, source_views: how many page views of the visit have the same context (or
    source); 0 for all but the first of them, so that a panel of browsers or referrers reads fewer rows.
    The others: of the whole day's part of the visit.
    """
    contexts, sources = ", ".join(CONTEXT_COLUMNS), ", ".join(SOURCE_COLUMNS)
    return f"""
WITH stepped AS (
    SELECT *, lag(ts) OVER (PARTITION BY visitor ORDER BY place) AS before FROM {events}
    WHERE visitor IS NOT NULL
), begun AS (
    SELECT * EXCLUDE (before),
        before IS NULL OR ts - before >= {VISIT_MS} AS is_first,
        before IS NULL AS is_first_of_day
    FROM stepped
), numbered AS (
    SELECT *, max(CASE WHEN is_first THEN ts END)
        OVER (PARTITION BY visitor ORDER BY place ROWS UNBOUNDED PRECEDING) AS visit
    FROM begun
), whole AS (
    SELECT numbered.* EXCLUDE (is_first_of_day),
        numbered.type = 'page_view' AND numbered.place =
            min(CASE WHEN numbered.type = 'page_view' THEN numbered.place END) OVER of_visit AS is_entry,
        bool_or(is_first_of_day AND evening.ts IS NOT NULL AND numbered.ts - evening.ts < {VISIT_MS})
            OVER of_visit AS goes_on,
        max(numbered.ts) OVER of_visit AS visit_end,
        max(numbered.ts) OVER of_visit > {ends_ms - VISIT_MS} AS is_late,
        count(*) OVER of_visit AS visit_events,
        count(*) FILTER (numbered.type = 'page_view') OVER of_visit AS visit_views
    FROM numbered LEFT JOIN {evening} AS evening USING (visitor)
    WINDOW of_visit AS (PARTITION BY visitor, visit)
), contexts AS (
    SELECT min(place) AS place, count(*) AS context_views FROM numbered WHERE type = 'page_view'
    GROUP BY visitor, visit, {contexts}
), sources AS (
    SELECT min(place) AS place, count(*) AS source_views FROM numbered WHERE type = 'page_view'
    GROUP BY visitor, visit, {sources}
)
SELECT whole.*, coalesce(context_views, 0)::UINTEGER AS context_views,
    coalesce(source_views, 0)::UINTEGER AS source_views
FROM whole LEFT JOIN contexts USING (place) LEFT JOIN sources USING (place)
UNION ALL BY NAME
SELECT *, NULL::BIGINT AS visit, false AS is_first, false AS is_entry, false AS goes_on, false AS is_late,
    NULL::BIGINT AS visit_end, 0 AS visit_events, 0 AS visit_views,
    (type = 'page_view')::UINTEGER AS context_views, (type = 'page_view')::UINTEGER AS source_views
FROM {events} WHERE visitor IS NULL
"""  # noqa: S608  names of ours


def build_segment(
    path: Path,
    rows: Iterable[tuple[Any, ...]],
    evening: Mapping[str, int],
    *,
    date: dt.date,
    midnight_ms: int,
    ends_ms: int,
) -> tuple[int, Facts]:
    """Write the segment of a day to `path`; returns how many rows it has, and what it comes to.

    The rows are in the order of visitors: equal ids beside each other are small, and fast to count.

    rows: of extract_day. evening: of extract_evening. midnight_ms, ends_ms: of the day, UTC milliseconds.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder, open_cursor() as cursor:
        _load(cursor, "raw", EXTRACTED, rows, Path(folder) / "rows.csv")
        shape = {"visitor": "VARCHAR", "ts": "BIGINT"}
        _load(cursor, "raw_evening", shape, evening.items(), Path(folder) / "evening.csv")
        cursor.execute(_EVENTS)
        cursor.execute(_EVENING)
        cursor.execute("DROP TABLE raw")
        visits = with_visits("events", "evening", ends_ms=ends_ms)
        cursor.execute(
            f"CREATE TEMP TABLE segment AS SELECT {quote(date.isoformat())}::DATE AS day, "  # noqa: S608
            f"((ts - {midnight_ms}) // 3600000)::UTINYINT AS hour, * "
            f"FROM ({visits})"
        )
        found = cursor.execute(
            "COPY (SELECT * FROM segment ORDER BY visitor, place) "  # noqa: S608
            f"TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        return int(found[0]) if found else 0, read_facts(cursor, "segment")


def _load(
    cursor: "duckdb.DuckDBPyConnection",
    name: str,
    columns: Mapping[str, str],
    rows: Iterable[tuple[Any, ...]],
    path: Path,
) -> None:
    """Put rows into a temporary table, by way of a file: one by one would take ten times as long."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    shape = ", ".join(f"{quote(column)}: {quote(kind)}" for column, kind in columns.items())
    cursor.execute(
        f"CREATE TEMP TABLE {name} AS SELECT * FROM read_csv({quote(str(path))}, header=false, "  # noqa: S608
        f"auto_detect=false, delim=',', quote='\"', escape='\"', new_line='\\r\\n', nullstr={quote(_NULL)}, "
        "allow_quoted_nulls=false, "
        f"parallel=false, max_line_size=1048576, columns={{{shape}}})"
    )
    os.unlink(path)


def digest_of(path: Path) -> str:
    """32 hex characters of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
