"""The columns of the event table, and the values that rows have in them."""

import datetime as dt
from collections.abc import Iterable, Iterator

import msgspec

from analytics.event_types import ATTENDANCE_TYPES
from analytics.events.rows import EventRow
from analytics.models import Event

# Those of which most events of a delivery have the same values, and the others.
SHARED = ("type", "local_date", "is_bot", "is_attendance", "hold")
OWN = (
    "_id",
    "conference_id",
    "ts",
    "received_at",
    "visitor_id",
    "session_id",
    "subject",
    "data",
    "properties",
    "context",
)
COLUMNS = (*OWN, *SHARED)
KEY = "_id"
TABLE = Event._meta.db_table

# Reads a text without keeping anything of it. Raises ValueError or RecursionError for one that is no JSON.
read_json = msgspec.json.Decoder(msgspec.Raw).decode


def group_rows(rows: Iterable[EventRow]) -> dict[tuple[str | int | None, ...], list[EventRow]]:
    """The rows by their values of SHARED, in their order within each group only.

    Booleans as 0 and 1, because SQLite's driver looks for an adapter of each bool.
    """
    groups: dict[tuple[str, dt.date | None, bool, str], list[EventRow]] = {}
    for row in rows:
        groups.setdefault((row.type, row.local_date, row.is_bot, row.hold), []).append(row)
    return {
        (name, None if date is None else date.isoformat(), +is_bot, +(name in ATTENDANCE_TYPES), hold): same
        for (name, date, is_bot, hold), same in groups.items()
    }


def make_tuples(
    rows: Iterable[EventRow],
    *,
    ts: Iterable[str | int],
    received_at: Iterable[str | int],
    context: Iterable[str | int | None],
) -> Iterator[tuple[str | int | None, ...]]:
    """Tuples in the order of OWN. ts, received_at, context: what a driver is given for each row's."""
    return (
        (
            # As `row.key`, without a call for each event.
            f"{row.event_id}/{row.conference_id}",
            row.conference_id,
            ts_value,
            received_value,
            row.visitor_id,
            row.session_id,
            row.subject,
            row.data,
            row.properties,
            context_value,
        )
        for row, ts_value, received_value, context_value in zip(rows, ts, received_at, context, strict=True)
    )
