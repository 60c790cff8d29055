"""Counts stored events from the table itself, with nothing of MeetEasy: what its figures are checked against.

    python tests/recount.py DATABASE CONFERENCE [ZONE]

DATABASE is the path of an SQLite file or a PostgreSQL URL. Prints JSON: the ids as stored, repeats included,
the figures of each local day, from docs/definitions.md alone, and the number of dead letters.
"""

import datetime as dt
import json
import sqlite3
import sys
from collections import defaultdict
from zoneinfo import ZoneInfo

EVENTS = "SELECT event_id, type, ts, visitor_id, data, is_bot FROM analytics_event WHERE conference_id = "
DEAD_LETTERS = "SELECT count(*) FROM analytics_deadletter"


def read(database: str, conference: str) -> tuple[list[tuple], int]:
    """The conference's events, and the number of dead letters."""
    if "://" in database:
        import psycopg

        with psycopg.connect(database) as connection:
            events = connection.execute(EVENTS + "%s", [conference]).fetchall()
            return events, connection.execute(DEAD_LETTERS).fetchone()[0]
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        events = connection.execute(EVENTS + "?", [conference]).fetchall()
        return events, connection.execute(DEAD_LETTERS).fetchone()[0]
    finally:
        connection.close()


def local_day(ts: dt.datetime | str, zone: ZoneInfo) -> str:
    if isinstance(ts, str):
        ts = dt.datetime.fromisoformat(ts).replace(tzinfo=dt.UTC)
    return ts.astimezone(zone).date().isoformat()


def recount(database: str, conference: str, zone: str = "UTC") -> dict:
    rows, dead_letters = read(database, conference)
    days: dict[str, dict[str, set]] = defaultdict(lambda: defaultdict(set))
    for event_id, kind, ts, visitor, data, is_bot in rows:
        if is_bot:
            continue
        day = days[local_day(ts, ZoneInfo(zone))]
        own = json.loads(data) if isinstance(data, str) else data
        if kind == "page_view":
            day["pv"].add(event_id)
            day["uv"].add(visitor)
        elif kind == "registration":
            day["registrations"].add(own["registration_id"])
        elif kind == "checkin":
            day["checkins"].add(own["registration_id"])
    figures = ("pv", "uv", "registrations", "checkins")
    return {
        "ids": [row[0] for row in rows],
        "dead_letters": dead_letters,
        "days": {date: {name: len(day[name]) for name in figures} for date, day in days.items()},
    }


if __name__ == "__main__":
    print(json.dumps(recount(*sys.argv[1:])))  # noqa: T201
