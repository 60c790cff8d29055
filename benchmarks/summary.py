"""Summaries of ranges: one conference with a million page views over 30 days, among others' history.

    python -m benchmarks.summary [--views 1000000] [--others 1000000] [--repeat 5] [--smoke]

Ours answers from segments; DuckDB (two threads) answers the same panels over the same rows in one file, made
for it. `cold` is a range that nobody asked for before, `prepared` one that the worker asked for already.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from benchmarks.harness.history import add_history
from benchmarks.harness.processes import open_lab, use_two_cores
from benchmarks.harness.report import make_parser, target, write_report

_FIRST, _LAST = "2026-01-01", "2026-01-30"
_CONFERENCE = "bench-07"

# One conference's history, with texts as people send them.
VIEWS = """
INSERT INTO analytics_event (_id, conference_id, type, ts, received_at, local_date, visitor_id, session_id,
    subject, is_bot, is_attendance, data, properties, hold, context)
SELECT printf('s%09d', n) || '/' || :conference, :conference, 'page_view', moment, moment, date(moment),
    visitor, '', visitor, 0, 0,
    '{"page":"/page-' || (n * 7919 % 211) || '","referrer":"' || CASE n % 5
        WHEN 0 THEN 'https://www.google.com/' WHEN 1 THEN 'https://www.baidu.com/' WHEN 2 THEN ''
        WHEN 3 THEN 'https://site-' || (n % 97) || '.example/' ELSE 'https://m.weibo.cn/' END || '"}',
    '{}', '',
    '{"browser":"' || CASE n % 4 WHEN 0 THEN 'WeChat' WHEN 1 THEN 'Chrome' WHEN 2 THEN 'Safari'
        ELSE 'Edge' END ||
    '","country":"' || CASE n % 3 WHEN 0 THEN 'CN' WHEN 1 THEN 'DE' ELSE 'SG' END ||
    '","device":"phone","os":"' || CASE n % 2 WHEN 0 THEN 'iOS' ELSE 'Android' END ||
    CASE n % 4 WHEN 0 THEN '","app":"WeChat' ELSE '' END || '"}'
FROM (SELECT n, printf('visitor-%08d-%08d', n * 104729 % :visitors, n % 7) AS visitor,
    strftime('%Y-%m-%d %H:%M:%f000', 1767225600 + n * (30.0 * 86400 / :views), 'unixepoch') AS moment
    FROM (WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c LIMIT :views) SELECT n FROM c))
"""

_MEASURE = """
import datetime as dt, json, statistics, time
from django.core.cache import cache
from django.utils import timezone
from analytics import preparing
from analytics.days.summaries import compute_range
from analytics.models import Segment
from analytics.ranges import engine
from analytics.ranges.engine import open_cursor
from analytics.ranges.filters import Filter
from analytics.ranges.queries import Range
from analytics.ranges.results import PANELS
from analytics.ranges.segments import ensure_days
from analytics.selectors.summary import get_summary
from conferences.models import Conference
from django.contrib.auth.models import User

first, last = dt.date.fromisoformat({first!r}), dt.date.fromisoformat({last!r})
wanted = dict(name="Bench", time_zone="UTC")
conference, _ = Conference.objects.get_or_create(id={conference!r}, defaults=wanted)
compute_range(conference.id, first, last)
started, cpu = time.perf_counter(), time.process_time()
preparing.make_segments(conference.id, first, last)
build, build_cpu = time.perf_counter() - started, time.process_time() - cpu
now = timezone.now()
wechat, page = Filter("app", "is", "WeChat"), Filter("page", "contains", "page-1")

def ask(filters=(), panels=tuple(PANELS), cold=True, **options):
    times = []
    for _ in range({repeat}):
        if cold:
            cache.clear()
        started = time.perf_counter()
        summary = get_summary(conference, first=first, last=last, filters=filters, panels=panels, now=now)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times), summary

def ask_totals():
    times = []
    for _ in range({repeat}):
        days = ensure_days(conference.id, first, last, today=now.date())
        started = time.perf_counter()
        with open_cursor() as cursor:
            Range(cursor, [day.path for day in days], first=first).count()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)

ask()
all_ms, summary = ask()
prepared_ms, _ = ask(cold=False)
from django.core.files.storage import storages
size = sum(storages["segments"].size(name) for name in Segment.objects.values_list("name", flat=True))
import resource
print(json.dumps(dict(
    pv=summary.totals.pv, uv=summary.totals.uv, all_panels_ms=all_ms, prepared_ms=prepared_ms,
    totals_ms=ask_totals(), filtered_ms=ask([wechat])[0], contains_ms=ask([page])[0],
    build_seconds=build, build_cpu_us_per_event=1e6 * build_cpu / max(summary.totals.pv, 1),
    megabytes=size / 1e6,
    peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
)))
"""

_PANELS = (
    "page", "referrer", "browser", "country", "device", "os", "app", "source_group", "host", "utm_source",
    "utm_campaign",
)  # fmt: skip
_DUCKDB = """
import json, statistics, time
import duckdb
from django.core.files.storage import storages
from analytics.models import Segment
files = [storages["segments"].path(name) for name in Segment.objects.values_list("name", flat=True)]
connection = duckdb.connect({path!r}, config={{"threads": 2}})
views = "SELECT * FROM read_parquet(?) WHERE type = 'page_view' ORDER BY ts"
connection.execute("CREATE TABLE event AS " + views, [files])
times = []
for _ in range({repeat} + 1):
    started = time.perf_counter()
    uv = connection.execute("SELECT count(DISTINCT visitor) FROM event").fetchone()[0]
    for panel in {panels!r}:
        columns = f"{{panel}}, count(*), count(DISTINCT visitor)"
        connection.execute(f"SELECT {{columns}} FROM event GROUP BY 1 ORDER BY 2 DESC LIMIT 10").fetchall()
    times.append(1000 * (time.perf_counter() - started))
print(json.dumps(dict(uv=uv, all_panels_ms=statistics.median(times[1:]))))
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--views", type=int, default=1_000_000)
    parser.add_argument("--others", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if options.smoke:
        options.views, options.others, options.repeat = 3_000, 1_000, 1
    use_two_cores()
    with open_lab(RANGES_MEMORY_MB="1024") as lab:
        lab.prepare()
        add_history(lab.database, first=0, events=options.others)
        with sqlite3.connect(lab.database) as connection:
            connection.execute("DELETE FROM analytics_event WHERE conference_id = ?", [_CONFERENCE])
            given = {"conference": _CONFERENCE, "views": options.views, "visitors": options.views // 8}
            connection.execute(VIEWS, given)
        asked = {"first": _FIRST, "last": _LAST, "conference": _CONFERENCE, "repeat": options.repeat}
        ours: dict[str, Any] = json.loads(lab.run_code(_MEASURE.format(**asked)).splitlines()[-1])
        copy = str(Path(lab.directory) / "summary.duckdb")
        code = _DUCKDB.format(path=copy, repeat=options.repeat, panels=_PANELS)
        duck: dict[str, Any] = json.loads(lab.run_code(code).splitlines()[-1])
    if ours["pv"] != options.views or ours["uv"] != duck["uv"]:
        raise SystemExit(f"wrong figures: {ours} {duck}")
    targets = [
        target("totals, ms", ours["totals_ms"], at_most=60),
        target("all panels of a usual range, prepared, ms", ours["prepared_ms"], at_most=60),
        target("all panels of any range, cold, ms", ours["all_panels_ms"], at_most=900),
        target("a quarter filtered, cold, ms", ours["filtered_ms"], at_most=350),
        target("filtered by a part of a text, cold, ms", ours["contains_ms"], at_most=350),
        target(
            "all panels, ours / DuckDB over one file",
            ours["all_panels_ms"] / duck["all_panels_ms"],
            at_most=3,
        ),
    ]
    write_report("summary", options, results={"ours": ours, "duckdb": duck}, targets=targets)


if __name__ == "__main__":
    main()
