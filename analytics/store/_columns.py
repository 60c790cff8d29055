"""The columns of the event table, and how a row's values are written for SQL databases."""

import datetime as dt

from analytics.models import Event
from analytics.rows import EventRow

COLUMNS = (
    "event_id",
    "conference_id",
    "type",
    "ts",
    "received_at",
    "local_date",
    "visitor_id",
    "session_id",
    "subject",
    "is_bot",
    "data",
    "properties",
)
TABLE = Event._meta.db_table

_minutes: dict[int, str] = {}


def timestamp_text(ms: int) -> str:
    """`2026-05-01 08:30:59.123000`, UTC, as Django writes a DateTimeField on SQLite.

    Half a million a second: the text up to the minute is remembered, which strftime would build each time.
    """
    minute, rest = divmod(ms, 60_000)
    text = _minutes.get(minute)
    if text is None:
        if len(_minutes) >= 20_000:
            _minutes.clear()
        moment = dt.datetime.fromtimestamp(minute * 60, dt.UTC)
        text = _minutes[minute] = moment.strftime("%Y-%m-%d %H:%M:")
    seconds, milliseconds = divmod(rest, 1000)
    # Django leaves the fraction out when it is zero; text must compare as the instants do, so we do too.
    return f"{text}{seconds:02d}.{milliseconds:03d}000" if milliseconds else f"{text}{seconds:02d}"


def sql_values(rows: list[EventRow]) -> list[tuple[str | bool | None, ...]]:
    """Tuples in the order of COLUMNS; JSON and times as text, which both SQL drivers take."""
    # The events of a request were received at once, and most of a conference's have the same day.
    received = {ms: timestamp_text(ms) for ms in {row.received_ms for row in rows}}
    dates = {date: None if date is None else date.isoformat() for date in {row.local_date for row in rows}}
    return [
        (
            row.event_id,
            row.conference_id,
            row.type,
            timestamp_text(row.ts_ms),
            received[row.received_ms],
            dates[row.local_date],
            row.visitor_id,
            row.session_id,
            row.subject,
            row.is_bot,
            row.data,
            row.properties,
        )
        for row in rows
    ]
