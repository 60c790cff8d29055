"""Adding up: one (conference, day) computed again, as the stored history grows, beside DuckDB.

    python -m benchmarks.aggregate [--sizes 1000000 10000000] [--repeat 30] [--smoke]

The day has the same 10,000 events at every size. DuckDB (two threads) answers the same question over the
same rows: the columns that it needs, copied from our database into a table of its own.
"""

import csv
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from benchmarks.harness.history import add_day, add_history
from benchmarks.harness.processes import Lab, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report

_CONFERENCE, _DATE = "bench-07", "2026-02-14"  # the history ends before
_QUERY = (
    "SELECT type, count(*), count(DISTINCT subject) FROM event "
    "WHERE conference_id = ? AND local_date = ? AND NOT is_bot GROUP BY type"
)


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--day-events", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=30)
    options = parser.parse_args()
    if options.smoke:
        options.sizes, options.day_events, options.repeat = [2_000, 4_000], 500, 2
    use_two_cores()

    results: list[dict[str, Any]] = []
    with open_lab() as lab:
        lab.prepare()
        add_day(lab.database, conference=_CONFERENCE, date=_DATE, events=options.day_events)
        stored = 0
        for size in sorted(options.sizes):
            add_history(lab.database, first=stored, events=size - stored)
            stored = size
            ours, duck = [], []
            with open_duckdb(lab) as ask_duckdb:
                for _ in range(options.rounds):
                    ours.append(_compute(lab, options.repeat))
                    duck.append(ask_duckdb(options.repeat))
            for found in (*ours, *duck):
                if found["figures"] != [options.day_events, options.day_events // 2]:
                    raise SystemExit(f"wrong figures: {found}")
            results.append(
                {
                    "stored_events": size + options.day_events,
                    "count_ms": median(found["count_ms"] for found in ours),
                    "figures_ms": median(found["figures_ms"] for found in ours),
                    "whole_summary_ms": median(found["summary_ms"] for found in ours),
                    "duckdb_ms": median(found["figures_ms"] for found in duck),
                }
            )
            print(results[-1], flush=True)
    first, last = results[0], results[-1]
    targets = [
        target(
            f"recomputing a day at {last['stored_events']:,} / at {first['stored_events']:,} events",
            last["figures_ms"] / first["figures_ms"],
            at_most=1.5,
        ),
        target(
            "counting a day's events, ours / DuckDB, largest history",
            last["count_ms"] / last["duckdb_ms"],
            at_most=1,
        ),
    ]
    write_report("aggregate", options, results=results, targets=targets)


def _compute(lab: Lab, repeat: int) -> dict[str, Any]:
    """Our own functions in a process of its own, medians: counting the day's events, which is what DuckDB is
    asked; all figures, of which some come from the share tree; the whole summary."""
    code = f"""
import datetime as dt, json, statistics, time
from analytics.days.summaries import compute_day
from analytics.days.figures import compute_figures
from analytics.store import count_day
date = dt.date.fromisoformat({_DATE!r})
def measure(work):
    times = []
    for _ in range({repeat} + 1):
        started = time.perf_counter()
        work({_CONFERENCE!r}, date)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times[1:])
figures = compute_figures({_CONFERENCE!r}, date)
print(json.dumps({{"figures": [figures["pv"], figures["uv"]], "figures_ms": measure(compute_figures),
                  "count_ms": measure(count_day), "summary_ms": measure(compute_day)}}))
"""
    answer: dict[str, Any] = json.loads(lab.run_code(code).splitlines()[-1])
    return answer


@contextmanager
def open_duckdb(lab: Lab) -> Iterator[Callable[[int], dict[str, Any]]]:
    """DuckDB with a copy of the stored rows; gives a function that asks for the day's figures."""
    copy, rows = lab.directory / "duckdb.file", lab.directory / "rows.csv"
    with sqlite3.connect(lab.database) as source, rows.open("w", newline="") as file:
        csv.writer(file).writerows(
            source.execute("SELECT conference_id, local_date, is_bot, type, subject FROM analytics_event")
        )
    with duckdb.connect(str(copy), config={"threads": 2}) as connection:
        connection.execute(
            "CREATE TABLE event (conference_id VARCHAR, local_date DATE, is_bot BOOLEAN, type VARCHAR, "
            "subject VARCHAR)"
        )
        connection.execute(f"COPY event FROM '{rows}' (FORMAT csv, HEADER false)")
        rows.unlink()

        def ask(repeat: int) -> dict[str, Any]:
            times = []
            for _ in range(repeat + 1):
                started = time.perf_counter()
                found = connection.execute(_QUERY, [_CONFERENCE, _DATE]).fetchall()
                times.append(time.perf_counter() - started)
            return {"figures": list(found[0][1:]), "figures_ms": 1000 * median(times[1:])}

        yield ask
    copy.unlink()


if __name__ == "__main__":
    main()
