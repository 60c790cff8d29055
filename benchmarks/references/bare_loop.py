"""The limit of storing: read the stream, decode the entries as ours does, insert the rows, and nothing else.

No consumer group, no acknowledgement, no de-duplication beyond the table's own key (a repeated id would be
an error), no reactions. On PostgreSQL the rows go by COPY straight into the table.

    python -m benchmarks.references.bare_loop --events N     (says ready, waits for a line, prints JSON)
"""

import argparse
import json
import time

import django
import redis

READ_AT_ONCE = 32  # entries; with those of a loaded door, some 5,000 rows a transaction
ROWS_AT_ONCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    events = parser.parse_args().events
    django.setup()

    from django.conf import settings
    from django.db import connection

    from analytics.events.rows import EventRow
    from analytics.store._columns import COLUMNS, TABLE, timestamp_text
    from analytics.stream.entry import decode_entry
    from analytics.stream.queue import STREAM

    connection.ensure_connection()
    database = connection.connection
    on_sqlite = connection.vendor == "sqlite"
    columns = ", ".join(COLUMNS)
    insert = f"INSERT INTO {TABLE} ({columns}) VALUES ({', '.join('?' * len(COLUMNS))})"
    copy = f"COPY {TABLE} ({columns}) FROM STDIN"
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
        values = [
            (
                row.key, row.conference_id, row.type, timestamp_text(row.ts_ms),
                timestamp_text(row.received_ms), timestamp_text(row.ts_ms)[:10], row.visitor_id,
                row.session_id, row.subject, +row.is_bot, 0, row.data, row.properties, row.hold,
                row.context or None,
            )
            for row in rows
        ]  # fmt: skip
        if on_sqlite:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(insert, values)
            database.execute("COMMIT")
        else:
            with database.cursor() as cursor, cursor.copy(copy) as stream:
                for row in values:
                    stream.write_row(row)
            database.commit()
        done += len(rows)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "events": done}), flush=True)


if __name__ == "__main__":
    main()
