"""From a day's rows to its segment: visits are found, and everything is written as one Parquet file."""

import csv
import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.ranges.columns import EXTRACTED, VISIT_MS
from analytics.ranges.engine import open_cursor, quote

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
    "visit", "is_first", "is_entry", "goes_on", "visit_end", "visit_events", "visit_views",
)  # fmt: skip


def with_visits(events: str, evening: str) -> str:
    """SQL that adds visits to events (visitor, ts, place, type): VISIT_COLUMNS.

    visit: when its first event of the day was, UTC ms; with the visitor, this names it. is_first: of its
    events. is_entry: of its page views. goes_on: the visit began the evening before. The others: of the whole
    day's part of it.
    """
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
        count(*) OVER of_visit AS visit_events,
        count(*) FILTER (numbered.type = 'page_view') OVER of_visit AS visit_views
    FROM numbered LEFT JOIN {evening} AS evening USING (visitor)
    WINDOW of_visit AS (PARTITION BY visitor, visit)
)
SELECT * FROM whole
UNION ALL BY NAME
SELECT *, NULL::BIGINT AS visit, false AS is_first, false AS is_entry, false AS goes_on,
    NULL::BIGINT AS visit_end, 0 AS visit_events, 0 AS visit_views
FROM {events} WHERE visitor IS NULL
"""  # noqa: S608  names of ours


def build_segment(
    path: Path,
    rows: Iterable[tuple[Any, ...]],
    evening: Mapping[str, int],
    *,
    date: dt.date,
    midnight_ms: int,
) -> int:
    """Write the segment of a day to `path`; returns how many rows it has.

    rows: of extract_day. evening: of extract_evening. midnight_ms: when the day began, UTC milliseconds.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder, open_cursor() as cursor:
        _load(cursor, "raw", EXTRACTED, rows, Path(folder) / "rows.csv")
        shape = {"visitor": "VARCHAR", "ts": "BIGINT"}
        _load(cursor, "raw_evening", shape, evening.items(), Path(folder) / "evening.csv")
        cursor.execute(_EVENTS)
        cursor.execute(_EVENING)
        cursor.execute("DROP TABLE raw")
        found = cursor.execute(
            f"COPY (SELECT {quote(date.isoformat())}::DATE AS day, "  # noqa: S608  literals of ours
            f"((ts - {midnight_ms}) // 3600000)::UTINYINT AS hour, * "
            f"FROM ({with_visits('events', 'evening')}) ORDER BY place) "
            f"TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    return int(found[0]) if found else 0


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
