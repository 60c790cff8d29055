"""The same month asked of others: DuckDB with one file made for it, and Umami's queries on PostgreSQL.

Umami's are written again after its query builders (github.com/umami-software/umami, src/queries/sql): the
same tables, joins, conditions and aggregates, and those of its indexes that they can use. Its visitors of a
panel are `count(distinct session_id)`; it counts no page views beside them. Rows come from our segments
(segment_rows.py).
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import timing
from benchmarks.references.segment_rows import COLUMNS

_PANELS = (
    "page", "referrer", "browser", "country", "device", "os", "app", "source_group", "utm_source",
    "utm_medium", "utm_campaign",
)  # fmt: skip

_TABLES = """
CREATE TABLE session (session_id uuid PRIMARY KEY, website_id uuid, browser text, os text, device text,
    country text);
CREATE TABLE website_event (website_id uuid, session_id uuid, visit_id uuid, created_at timestamptz,
    url_path text, utm_source text, utm_medium text, utm_campaign text, referrer_domain text, hostname text,
    event_type int);
"""
_INDEXES = """
CREATE INDEX ON website_event (website_id, created_at);
CREATE INDEX ON website_event (website_id, created_at, url_path);
CREATE INDEX ON website_event (website_id, created_at, referrer_domain);
CREATE INDEX ON website_event (website_id, session_id, created_at);
CREATE INDEX ON website_event (website_id, visit_id, created_at);
"""
_WEBSITE = "00000000-0000-0000-0000-000000000001"
_WHERE = (
    f"website_id = '{_WEBSITE}' AND created_at BETWEEN '2000-01-01' AND '2100-01-01' "
    "AND event_type NOT IN (2, 5)"
)
_EVENTS = f"website_event WHERE {_WHERE}"
_JOINED = f"website_event INNER JOIN session USING (session_id, website_id) WHERE {_WHERE}"


def ask_duckdb(rows: str, copy: str, *, repeat: int) -> None:
    """Print its times for visitors and panels of all rows of a CSV, copied into one file beforehand."""
    import duckdb

    connection = duckdb.connect(copy, config={"threads": 2})
    connection.execute(f"CREATE TABLE event AS SELECT * FROM {_read(rows)} ORDER BY ts")
    found: dict[str, Any] = {}

    def ask() -> None:
        row = connection.execute("SELECT count(DISTINCT visitor) FROM event").fetchone()
        found["uv"] = row and row[0]
        for panel in _PANELS:
            connection.execute(
                f"SELECT {panel}, count(*), count(DISTINCT visitor) FROM event WHERE {panel} <> '' "
                "GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
            ).fetchall()

    found["panels"] = timing.repeat(ask, repeat)
    print(json.dumps(found))


def ask_umami(rows: str, url: str, *, repeat: int) -> None:
    """Print the times of Umami's queries for an overview: totals, two series, ten panels."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        _fill(connection, rows)
        cursor = connection.cursor()
        found: dict[str, Any] = {}

        def ask_totals() -> None:
            cursor.execute(
                "SELECT sum(t.c), count(DISTINCT t.session_id), count(DISTINCT t.visit_id), "
                "sum(CASE WHEN t.c = 1 THEN 1 ELSE 0 END), sum(extract(epoch FROM t.latest - t.earliest)) "
                "FROM (SELECT session_id, visit_id, count(*) AS c, min(created_at) AS earliest, "
                f"max(created_at) AS latest FROM {_EVENTS} GROUP BY 1, 2) AS t"
            )
            row = cursor.fetchone()
            found["pv"], found["uv"] = (int(row[0]), int(row[1])) if row else (0, 0)

        def ask() -> None:
            ask_totals()
            for query in _panels():
                cursor.execute(query)
                cursor.fetchall()

        def spent() -> float:
            return _cpu_of_server(connection.info.backend_pid)

        found["totals"] = timing.repeat(ask_totals, repeat, spent)
        found["panels"] = timing.repeat(ask, repeat, spent)
    print(json.dumps(found))


def _panels() -> list[str]:
    top = "GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
    day = "date_trunc('day', created_at AT TIME ZONE 'UTC')"
    queries = [
        f"SELECT {day}, count(*) FROM {_EVENTS} GROUP BY 1 ORDER BY 1",
        f"SELECT {day}, count(DISTINCT session_id) FROM {_EVENTS} GROUP BY 1 ORDER BY 1",
        "SELECT x.url_path, count(DISTINCT session_id) FROM website_event JOIN ("
        f"SELECT DISTINCT ON (visit_id) visit_id, url_path FROM {_EVENTS} ORDER BY visit_id, created_at"
        f") x USING (visit_id) WHERE {_WHERE} {top}",
        f"SELECT referrer_domain, count(DISTINCT session_id) FROM {_EVENTS} AND referrer_domain <> '' "
        f"AND referrer_domain <> regexp_replace(hostname, '^www.', '') {top}",
    ]
    for column in ("url_path", "utm_source", "utm_medium", "utm_campaign"):
        queries.append(f"SELECT {column}, count(DISTINCT session_id) FROM {_EVENTS} AND {column} <> '' {top}")
    for column in ("browser", "os", "device", "country"):
        queries.append(f"SELECT {column}, count(DISTINCT session_id) FROM {_JOINED} AND {column} <> '' {top}")
    return queries


def _read(rows: str) -> str:
    """SQL of a file of segment_rows. A visitor's id is 16 bytes, as ours are."""
    texts = {name: "VARCHAR" for name in COLUMNS} | {"visitor": "INTEGER", "visit": "BIGINT", "ts": "BIGINT"}
    visitor = "md5(visitor::VARCHAR)::UUID AS visitor"
    return (
        f"(SELECT * REPLACE ({visitor}) FROM read_csv('{rows}', header=false, auto_detect=false, quote='\"', "
        f"escape='\"', delim=',', columns={texts!r}))"
    )


def _fill(connection: Any, rows: str) -> None:
    import duckdb

    source = _read(rows)
    events = (
        f"SELECT '{_WEBSITE}', visitor, md5(visitor || '/' || visit)::UUID, make_timestamp(ts * 1000), page, "
        "utm_source, utm_medium, utm_campaign, "
        "CASE WHEN source_group IN ('own', 'direct') THEN '' ELSE referrer END, "
        f"host, 1 FROM {source} ORDER BY ts"
    )
    sessions = (
        f"SELECT visitor, '{_WEBSITE}', any_value(browser), any_value(os), any_value(device), "
        f"any_value(country) FROM {source} GROUP BY visitor"
    )
    connection.execute("SET TIME ZONE 'UTC'")
    connection.execute(_TABLES)
    with tempfile.TemporaryDirectory() as folder:
        for table, query in (("session", sessions), ("website_event", events)):
            path = Path(folder) / f"{table}.csv"
            duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT csv, HEADER false, FORCE_QUOTE *)")
            with (
                connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy,
                path.open() as file,
            ):
                while part := file.read(1 << 20):
                    copy.write(part)
    connection.execute(_INDEXES)
    connection.execute("VACUUM ANALYZE")


def _cpu_of_server(backend: int) -> float:
    """Seconds of the connection's process, and of those that helped it, whom their parent waited for."""
    import psutil

    process = psutil.Process(backend)
    own, server = process.cpu_times(), process.parent()
    helpers = server.cpu_times() if server else None
    spent: float = own.user + own.system
    return spent + (helpers.children_user + helpers.children_system if helpers else 0.0)
