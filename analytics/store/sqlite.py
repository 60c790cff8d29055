"""SQLite: many rows a statement, in one transaction; distinct subjects counted outside the database."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
from django.db import connections, transaction

from analytics.event_types import EVENT_TYPES
from analytics.events.rows import EventRow
from analytics.store._columns import KEY, OWN, SHARED, TABLE, group_rows, make_tuples, read_json
from analytics.store._counting import DayCount
from analytics.store._counting import find_viewers as find_many_viewers
from analytics.store._days import read_day
from analytics.store._presence import count_present
from meeteasy.core import sqlite


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


class _Timestamps(dict[int, str]):
    """`timestamp_text` by milliseconds, for times that many events have in common."""

    def __missing__(self, ms: int) -> str:
        text = self[ms] = timestamp_text(ms)
        return text


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new."""
    with transaction.atomic(using=using):
        new_keys = sqlite.insert_new(
            connections[using], TABLE, OWN, make_groups(rows), count=len(rows), key=KEY
        )
    return set() if new_keys is None else {row.key for row in rows} - new_keys


def make_groups(
    rows: Sequence[EventRow],
) -> list[tuple[dict[str, str | int | None], Iterator[tuple[str | int | None, ...]]]]:
    """The values of SHARED by name, and tuples in the order of OWN. Times as text."""
    received = _Timestamps()  # all events of a batch arrived together
    return [
        (
            dict(zip(SHARED, values, strict=True)),
            make_tuples(
                _check_json(same),
                # As `timestamp_text`, without a call for each event.
                ts=(_seconds[row.ts_ms // 1000] + _fractions[row.ts_ms % 1000] for row in same),
                received_at=(received[row.received_ms] for row in same),
                context=(row.context or None for row in same),
            ),
        )
        for values, same in group_rows(rows).items()
    ]


def _check_json(rows: Iterable[EventRow]) -> Iterator[EventRow]:
    """The rows; raises ValueError or RecursionError at one with a text that is no JSON, which other databases
    refuse.

    Checks in the table would do the same at five times the cost, since SQLite parses each text into a tree.
    """
    contexts = {""}
    for row in rows:
        read_json(row.data)
        if row.properties != "{}":
            read_json(row.properties)
        if row.context not in contexts:
            read_json(row.context)
            contexts.add(row.context)
        yield row


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
