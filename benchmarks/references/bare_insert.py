"""The limit of a single writer: the rows of these events into SQLite, in transactions of 5,000.

Rows are made beforehand and their making is not counted; a plain INSERT of finished tuples is.

    python -m benchmarks.references.bare_insert --events N --database FILE [--index]

The table has the columns of ours; with --index its secondary index, too.
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Iterator
from itertools import islice

import msgspec

from benchmarks.harness.batches import make_events

ROWS_AT_ONCE = 5_000
# As in our settings, but for the size of pages, which is SQLite's own.
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "wal_autocheckpoint=4000")
_COLUMNS = (
    "event_id", "conference_id", "type", "ts", "received_at", "local_date", "visitor_id", "session_id",
    "subject", "is_bot", "data", "properties",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--index", action="store_true")
    options = parser.parse_args()

    database = sqlite3.connect(options.database, isolation_level=None)
    for pragma in _PRAGMAS:
        database.execute(f"PRAGMA {pragma}")
    kinds = {"event_id": "text PRIMARY KEY", "is_bot": "bool"}
    columns = ", ".join(f"{name} {kinds.get(name, 'text')} NOT NULL" for name in _COLUMNS)
    database.execute(f"CREATE TABLE event ({columns})")
    if options.index:
        database.execute("CREATE INDEX day ON event (conference_id, local_date, is_bot, type, ts, subject)")
    insert = f"INSERT INTO event VALUES ({', '.join('?' * len(_COLUMNS))})"
    print("ready", flush=True)
    input()

    rows = make_rows(options.events)
    seconds = 0.0
    while part := list(islice(rows, ROWS_AT_ONCE)):
        started = time.perf_counter()
        database.execute("BEGIN IMMEDIATE")
        database.executemany(insert, part)
        database.execute("COMMIT")
        seconds += time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "events_per_second": options.events / seconds}), flush=True)


def make_rows(count: int) -> Iterator[tuple[object, ...]]:
    """The rows that the system makes of these events."""
    for encoded in make_events(count):
        event = msgspec.json.decode(encoded)
        moment = time.gmtime(event["ts"] // 1000)
        text = time.strftime("%Y-%m-%d %H:%M:%S", moment) + f".{event['ts'] % 1000:03d}000"
        own = {name: event[name] for name in ("page", "url", "referrer", "title")}
        yield (
            event["event_id"], event["conference_id"], event["type"], text, text, text[:10],
            event["visitor_id"], event["session_id"], event["visitor_id"], 0,
            msgspec.json.encode(own).decode(), "{}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
