"""The columns of the event table, and how a row's values are written as text."""

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from analytics.event_types import ATTENDANCE_TYPES
from analytics.events.rows import EventRow
from analytics.models import Event

COLUMNS = (
    "_id",
    "conference_id",
    "type",
    "ts",
    "received_at",
    "local_date",
    "visitor_id",
    "session_id",
    "subject",
    "is_bot",
    "is_attendance",
    "data",
    "properties",
    "hold",
    "context",
)
KEY = "_id"
TABLE = Event._meta.db_table


class _Seconds(dict[int, str]):
    """`2026-05-01 08:30:59` by seconds since 1970, each written once for all events of that second."""

    def __missing__(self, second: int) -> str:
        if len(self) >= 50_000:
            self.clear()
        text = dt.datetime.fromtimestamp(second, dt.UTC).isoformat(" ", "seconds").removesuffix("+00:00")
        self[second] = text
        return text


_seconds = _Seconds()
# Django leaves the fraction out when it is zero; text must compare as the instants do, so we do too.
_fractions = ["", *(f".{milliseconds:03d}000" for milliseconds in range(1, 1000))]


def timestamp_text(ms: int) -> str:
    """`2026-05-01 08:30:59.123000`, UTC, as Django writes a DateTimeField on SQLite."""
    return _seconds[ms // 1000] + _fractions[ms % 1000]


_decode = msgspec.json.Decoder(msgspec.Raw).decode


def check_json(texts: Iterable[str]) -> None:
    """Raise ValueError if one of the texts is no JSON."""
    try:
        for text in texts:
            _decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error


def sql_values(rows: Sequence[EventRow]) -> list[tuple[str | int | None, ...]]:
    """Tuples in the order of COLUMNS, for SQLite. JSON and times as text; booleans as 0 and 1, because the
    driver looks for an adapter of each bool."""
    # All events of a batch arrived together.
    received = {ms: timestamp_text(ms) for ms in {row.received_ms for row in rows}}
    return make_tuples(
        rows,
        # As `timestamp_text`, without a call for each event.
        ts=[_seconds[row.ts_ms // 1000] + _fractions[row.ts_ms % 1000] for row in rows],
        received_at=[received[row.received_ms] for row in rows],
        context=[row.context or None for row in rows],
    )


def make_tuples(
    rows: Sequence[EventRow],
    *,
    ts: Sequence[str | int],
    received_at: Sequence[str | int],
    context: Sequence[str | int | None],
) -> list[tuple[str | int | None, ...]]:
    """Tuples in the order of COLUMNS. ts, received_at, context: what a driver is given for each row's."""
    # Most of a conference's events have the same day.
    dates = {date: None if date is None else date.isoformat() for date in {row.local_date for row in rows}}
    return [
        (
            # As `row.key`, without a call for each event.
            f"{row.event_id}/{row.conference_id}",
            row.conference_id,
            row.type,
            ts_value,
            received_value,
            dates[row.local_date],
            row.visitor_id,
            row.session_id,
            row.subject,
            +row.is_bot,
            +(row.type in ATTENDANCE_TYPES),
            row.data,
            row.properties,
            row.hold,
            context_value,
        )
        for row, ts_value, received_value, context_value in zip(rows, ts, received_at, context, strict=True)
    ]
