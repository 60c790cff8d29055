"""The limit of storing: read the stream, decode the entries as ours does, insert the rows, and nothing else.

No consumer group, no acknowledgement, no de-duplication beyond the table's own key (a repeated id would be
an error), no reactions. On PostgreSQL the rows go by COPY straight into the table, on MongoDB by unordered
`insert_many` with the options of our connection.

    python -m benchmarks.references.bare_loop --events N     (says ready, waits for a line, prints JSON)
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import django
import redis

if TYPE_CHECKING:
    from analytics.events.rows import EventRow

READ_AT_ONCE = 32  # entries; with those of a loaded door, some 5,000 rows a transaction
ROWS_AT_ONCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    events = parser.parse_args().events
    django.setup()

    from django.conf import settings

    from analytics.stream.entry import decode_entry
    from analytics.stream.queue import STREAM

    insert = _open()
    client = redis.Redis.from_url(settings.REDIS_URL)
    print("ready", flush=True)
    input()

    started, cpu = time.perf_counter(), time.process_time()
    done, last = 0, "0"
    while done < events:
        rows: list[EventRow] = []
        while len(rows) < ROWS_AT_ONCE and done + len(rows) < events:
            reply = client.xread({STREAM: last}, count=READ_AT_ONCE)
            entries = next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1]
            last = entries[-1][0]
            for _, fields in entries:
                rows += decode_entry(fields)
        insert(rows)
        done += len(rows)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "events": done}), flush=True)


def _open() -> "Callable[[Sequence[EventRow]], None]":
    """Connect to the database of events; returns what inserts rows and commits."""
    from django.conf import settings
    from django.db import connections

    from analytics.store._columns import COLUMNS, TABLE
    from analytics.store.sqlite import timestamp_text

    connection: Any = connections[settings.ANALYTICS_DATABASE]
    connection.ensure_connection()
    database = connection.connection
    columns = ", ".join(COLUMNS)

    def to_values(row: "EventRow") -> tuple[Any, ...]:
        return (
            row.key, row.conference_id, timestamp_text(row.ts_ms), timestamp_text(row.received_ms),
            row.visitor_id, row.session_id, row.subject, row.data, row.properties, row.context or None,
            row.type, timestamp_text(row.ts_ms)[:10], +row.is_bot, 0, row.hold,
        )  # fmt: skip

    def insert_sqlite(rows: "Sequence[EventRow]") -> None:
        statement = f"INSERT INTO {TABLE} ({columns}) VALUES ({', '.join('?' * len(COLUMNS))})"
        database.execute("BEGIN IMMEDIATE")
        database.executemany(statement, map(to_values, rows))
        database.execute("COMMIT")

    def copy_postgresql(rows: "Sequence[EventRow]") -> None:
        with database.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as stream:
            for row in rows:
                stream.write_row(to_values(row))
        database.commit()

    def insert_mongodb(rows: "Sequence[EventRow]") -> None:
        from analytics.store.mongodb import make_document

        documents = [make_document(row) for row in rows]
        for document in documents:
            document["local_date"] = document["ts"].replace(hour=0, minute=0, second=0, microsecond=0)
        connection.get_collection(TABLE).insert_many(documents, ordered=False)

    by_vendor = {"sqlite": insert_sqlite, "postgresql": copy_postgresql, "mongodb": insert_mongodb}
    return by_vendor[connection.vendor]


if __name__ == "__main__":
    main()
