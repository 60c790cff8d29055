"""Summaries of ranges: one conference with a million page views over 30 days, among others' history.

    python -m benchmarks.summary [--views 1000000] [--others 1000000 10000000] [--repeat 5] [--smoke]

125,000 visitors make 333,000 visits of three page views each, the last of them today. Beside ours (which
answers from segments): DuckDB with the same rows in one file made for it, and Umami's queries on PostgreSQL.
`cold`: a range that nobody asked for before. `prepared`: the usual ranges, as the worker keeps them while
somebody looks. Wall-clock times (the best of some) are to be read beside the machine's load; processor times
(medians, of both cores together) are beside them.
"""

import datetime as dt
import json
import sqlite3
from contextlib import ExitStack
from typing import Any

from benchmarks.harness.history import add_history
from benchmarks.harness.postgresql import find_programs, run_postgresql
from benchmarks.harness.processes import Lab, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, target, write_report

_CONFERENCE = "bench-07"
_DAYS = 30

# One conference's history, with texts as people send them.
VIEWS = """
INSERT INTO analytics_event (_id, conference_id, type, ts, received_at, local_date, visitor_id, session_id,
    subject, is_bot, is_attendance, data, properties, hold, context)
SELECT printf('s%09d', n) || '/' || :conference, :conference, 'page_view', moment, moment, date(moment),
    visitor, '', visitor, 0, 0,
    '{"page":"/page-' || (n * 7919 % 211) || '","url":"https://summit.example/","referrer":"' || CASE
        WHEN n % 3 > 0 THEN 'https://summit.example/' WHEN visit % 5 = 0 THEN 'https://www.google.com/'
        WHEN visit % 5 = 1 THEN 'https://www.baidu.com/' WHEN visit % 5 = 2 THEN ''
        WHEN visit % 5 = 3 THEN 'https://site-' || (visit % 97) || '.example/'
        ELSE 'https://m.weibo.cn/' END || '"}',
    '{}', '',
    '{"browser":"' || CASE number % 4 WHEN 0 THEN 'WeChat' WHEN 1 THEN 'Chrome' WHEN 2 THEN 'Safari'
        ELSE 'Edge' END ||
    '","country":"' || CASE number % 3 WHEN 0 THEN 'CN' WHEN 1 THEN 'DE' ELSE 'SG' END ||
    '","device":"phone","os":"' || CASE number % 2 WHEN 0 THEN 'iOS' ELSE 'Android' END ||
    CASE number % 4 WHEN 0 THEN '","app":"WeChat' ELSE '' END || '"}'
FROM (SELECT n, n / 3 AS visit, n / 3 * 104729 % :visitors AS number,
    printf('visitor-%08d-%08d', n / 3 * 104729 % :visitors, 0) AS visitor,
    strftime('%Y-%m-%d %H:%M:%f000', :begin + (n / 3) * (3.0 * :seconds / :views) + n % 3 * 40, 'unixepoch')
        AS moment
    FROM (WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c LIMIT :views) SELECT n FROM c))
"""

_ROWS = """
import datetime as dt
from pathlib import Path
from analytics.ranges.segments import ensure_days
from benchmarks.references.segment_rows import write_views
write_views(ensure_days({conference!r}, dt.date.min, dt.date.max, today=dt.date.max), Path({rows!r}))
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--views", type=int, default=1_000_000)
    parser.add_argument("--others", nargs=2, type=int, default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if options.smoke:
        options.views, options.others, options.repeat = 3_000, [1_000, 2_000], 1
    use_two_cores()
    with open_lab() as lab:
        lab.prepare()
        add_history(lab.database, first=0, events=options.others[0])
        _add_views(lab, options.views)
        results: dict[str, Any] = {"ours": _measure(lab, "measure", options.repeat)}
        results |= _ask_references(lab, options.repeat)
        add_history(lab.database, first=options.others[0], events=options.others[1] - options.others[0])
        results["among_more"] = _measure(lab, "measure_again", options.repeat)
    write_report("summary", options, results=results, targets=_targets(results, options.others))


def _add_views(lab: Lab, views: int) -> None:
    now = dt.datetime.now(dt.UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - dt.timedelta(days=_DAYS - 1)
    given = {
        "conference": _CONFERENCE, "views": views, "visitors": max(views // 8, 1),
        "begin": begin.timestamp(), "seconds": (now - begin).total_seconds() - 120,
    }  # fmt: skip
    with sqlite3.connect(lab.database) as connection:
        connection.execute("DELETE FROM analytics_event WHERE conference_id = ?", [_CONFERENCE])
        connection.execute(VIEWS, given)


def _measure(lab: Lab, name: str, repeat: int) -> dict[str, Any]:
    code = f"from benchmarks.harness.summaries import {name}\n{name}({_CONFERENCE!r}, repeat={repeat})"
    found: dict[str, Any] = json.loads(lab.run_code(code).splitlines()[-1])
    return found


def _ask_references(lab: Lab, repeat: int) -> dict[str, Any]:
    """The same rows elsewhere; Umami's queries where PostgreSQL is installed."""
    rows, copy = str(lab.directory / "rows.csv"), str(lab.directory / "summary.duckdb")
    lab.run_code(_ROWS.format(conference=_CONFERENCE, rows=rows))
    asked = {"duckdb": f"ask_duckdb({rows!r}, {copy!r}, repeat={repeat})"}
    with ExitStack() as stack:
        if find_programs() is not None:
            url = stack.enter_context(run_postgresql())
            asked["umami"] = f"ask_umami({rows!r}, {url!r}, repeat={min(repeat, 3)})"
        found = {}
        for name, call in asked.items():
            code = f"from benchmarks.references.range_queries import *\n{call}"
            printed = lab.run_code(code)
            found[name] = json.loads(printed.splitlines()[-1])
    return found


def _targets(results: dict[str, Any], others: list[int]) -> list[dict[str, Any]]:
    ours, later, duck = results["ours"], results["among_more"], results["duckdb"]
    late, ten, ten_cold, lagging = (
        ours[name] for name in ("late_event", "ten_prepared", "ten_cold", "ten_lagging")
    )

    def wall(name: str, figure: str, bound: float) -> dict[str, Any]:
        return target(name, ours[figure]["wall_ms"], at_most=bound)

    def ratio(name: str, figure: str) -> dict[str, Any]:
        value = later[figure]["cpu_ms"] / ours[figure]["cpu_ms"]
        return target(
            f"{name} among {others[1]:,} instead of {others[0]:,} other events, cpu", value, at_most=1.3
        )

    found = [
        wall("totals of a range, cold, ms", "totals", 60),
        wall("the slowest usual range with its comparison, prepared, ms", "prepared", 60),
        wall("the same while today's segment lags, totals exact at once, ms", "lagging", 60),
        wall("all panels of another range, cold, ms", "cold", 900),
        wall("a quarter filtered, cold, ms", "filtered", 350),
        wall("filtered by a part of a text, cold, ms", "contains", 350),
        target("ten at once for usual ranges / one alone", ten["slowest_ms"] / ten["alone_ms"], at_most=3),
        target("ten at once while today's segment lags / one alone",
               lagging["slowest_ms"] / lagging["alone_ms"], at_most=3),
        target("ten at once, the same range, cold / one alone", ten_cold["slowest_ms"] / ten_cold["alone_ms"],
               at_most=3),
        ratio("another range, cold,", "cold"),
        ratio("preparing after a change of today", "prepare"),
        target("segments made for a late event", late["segments"], at_most=1),
        target("a late event / one day's segment, processor time", late["cpu_ms"] / late["one_day_cpu_ms"],
               at_most=1.3),
        target("segments and answers of today, share of a core", ours["share_of_a_core"], at_most=0.05),
        target("all panels, ours cold / DuckDB over one file, processor time",
               ours["cold"]["cpu_ms"] / duck["panels"]["cpu_ms"], at_most=2),
    ]  # fmt: skip
    if "umami" in results:
        value = ours["cold"]["cpu_ms"] / results["umami"]["panels"]["cpu_ms"]
        found.append(target("all panels, ours cold / Umami's queries, processor time", value, at_most=0.5))
    return found


if __name__ == "__main__":
    main()
