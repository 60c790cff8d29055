"""A recount of events by docs/definitions.md, with nothing of MeetEasy: the oracle for its figures."""

import datetime as dt
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

FIGURES = ("pv", "uv", "registrations", "checkins", "ai_chats")


def count_days(events: Iterable[dict[str, Any]], zone: str) -> dict[str, dict[str, int]]:
    """The FIGURES of each local day (YYYY-MM-DD) that has events of people.

    events: dicts with `event_id`, `type`, `ts` (aware datetime) and whatever of `visitor_id`,
        `registration_id` and `bot` they have; all of them clients'. The first of several with the same id
        counts.
    """
    seen: set[str] = set()
    days: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    first: dict[Any, tuple[dt.datetime, str, str]] = {}  # of a registration or an attendee, whichever day
    for event in events:
        event_id, kind = event["event_id"], event["type"]
        if event_id in seen:
            continue
        seen.add(event_id)
        if event.get("bot"):
            continue
        day_name = event["ts"].astimezone(ZoneInfo(zone)).date().isoformat()
        day = days[day_name]
        if kind == "page_view":
            day["pv"].add(event_id)
            day["uv"].add(event.get("visitor_id") or event_id)
        elif kind in ("registration", "checkin"):
            who = event.get("registration_id") or event_id
            if kind == "registration" and not event.get("registration_id") and event.get("visitor_id"):
                who = ("visitor and form", event["visitor_id"], event.get("form_id", ""))
            moment = (event["ts"], event_id, day_name)
            first[kind, who] = min(moment, first.get((kind, who), moment))
        elif kind == "ai_chat":
            day["ai_chats"].add(event_id)
    for (kind, who), (_, _, day_name) in first.items():
        days[day_name][f"{kind}s"].add(who)
    return {date: {name: len(day[name]) for name in FIGURES} for date, day in days.items()}


COLUMNS = ("_id", "type", "ts", "visitor_id", "data", "is_bot")
EVENTS = f"SELECT {', '.join(COLUMNS)} FROM analytics_event WHERE conference_id = "
DEAD_LETTERS = "SELECT count(*) FROM analytics_deadletter"


def read(database: str, conference: str) -> tuple[list[tuple], int]:
    """The conference's events, and the number of dead letters."""
    if database.startswith("mongodb"):
        import pymongo

        with pymongo.MongoClient(database, tz_aware=True) as client:
            tables = client.get_default_database()
            found = tables["analytics_event"].find({"conference_id": conference})
            events = [tuple(event[name] for name in COLUMNS) for event in found]
            return events, tables["analytics_deadletter"].count_documents({})
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


def to_event(row: tuple) -> dict[str, Any]:
    key, kind, ts, visitor_id, data, is_bot = row
    own = json.loads(data) if isinstance(data, str) else data
    if isinstance(ts, str):
        ts = dt.datetime.fromisoformat(ts).replace(tzinfo=dt.UTC)
    return {
        **own,
        "event_id": key.rpartition("/")[0],
        "type": kind,
        "ts": ts,
        "visitor_id": visitor_id,
        "bot": is_bot,
    }


def recount_database(database: str, conference: str, zone: str = "UTC") -> dict[str, Any]:
    """Count a conference's events from the table itself.

    database: the path of an SQLite file, or the URL of a PostgreSQL or MongoDB database.
    Returns `ids` as stored, repeats included; the figures of the `days` (count_days); the number of
    `dead_letters`.
    """
    rows, dead_letters = read(database, conference)
    days = count_days(map(to_event, rows), zone)
    return {"ids": [row[0].rpartition("/")[0] for row in rows], "dead_letters": dead_letters, "days": days}
