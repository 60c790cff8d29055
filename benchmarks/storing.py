"""Storing: one worker process works off a stream that was filled before, beside a bare loop.

    python -m benchmarks.storing [--rounds 3] [--events 200000] [--databases sqlite postgresql] [--smoke]
    MONGODB_URI=… python -m benchmarks.storing --databases mongodb --output FILE

Ours is the real worker with all reactions. The bare loop reads the same stream and inserts the same rows
into the same table, without acknowledgement, de-duplication or reactions. FastStream's consumer stores in
SQLite. On PostgreSQL the server's own processor time is on the same two cores. MongoDB's is wherever that
server is.
"""

import time
from pathlib import Path
from typing import Any

from benchmarks.harness.processes import Lab, open_lab_on, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from benchmarks.references import FASTSTREAM_LIST

STREAM = "stream:analytics.events"
_FASTSTREAM_SHARE = 5  # it stores a fifth of the events, which takes it long enough


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--entry-rows", type=int, default=200, help="rows of one stream entry, at most 500")
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"],
        choices=["sqlite", "postgresql", "mongodb"],
    )  # fmt: skip
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.events, options.databases = 1, 2000, options.databases[:1]
    use_two_cores()

    targets: list[dict[str, Any]] = []
    results: dict[str, Any] = {}
    for name in options.databases:
        with open_lab_on(name) as lab:
            results[name] = _measure_all(lab, options)
        figures = results[name]
        targets.append(
            target(f"{name}: stored events/s, ours / bare loop", figures["ours_to_bare"], at_least=0.5)
        )
        if name == "sqlite":
            targets.append(
                target(
                    "sqlite: stored events/s, ours / FastStream", figures["ours_to_faststream"], at_least=1
                )
            )
    write_report("storing", options, results=results, targets=targets)


def _measure_all(lab: Lab, options: Any) -> dict[str, Any]:
    systems = {"ours": store_ours, "bare": _store_bare} | (
        {"faststream": _store_faststream} if lab.uses_sqlite else {}
    )
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    for _ in range(options.rounds):
        for name, store in systems.items():
            lab.empty()
            result = store(lab, options.events, options.entry_rows)
            rounds[name].append(result)
            print(f"{name:10} {result['events_per_second']:9,.0f} events/s  {result}", flush=True)
    rates = {name: median(result["events_per_second"] for result in found) for name, found in rounds.items()}
    return {
        "events_per_second": rates,
        "ours_to_bare": rates["ours"] / rates["bare"],
        "ours_to_faststream": rates["ours"] / rates["faststream"] if "faststream" in rates else None,
        "rounds": rounds,
    }


def store_ours(lab: Lab, events: int, entry_rows: int, *, ids: str = "ordered") -> dict[str, float]:
    """The real worker. Woken up when the stream is full; done when it is empty."""
    lab.start("events")
    fill(lab, 500, entry_rows, ids=ids)
    with lab.helper(["-m", "benchmarks.harness.wake"]) as wake:  # opens its connections
        wake.go()
        wake.result()
    client = lab.redis
    lab.wait_for(lambda: client.xlen(STREAM) == 0, "the first events to be stored")
    stored = _count(lab)
    time.sleep(0.5)  # the drain of the first events ends
    fill(lab, events, entry_rows, ids=ids)
    with lab.helper(["-m", "benchmarks.harness.wake"]) as wake:
        before = lab.cpu_seconds()
        started = time.perf_counter()
        wake.go()
        while client.xlen(STREAM):
            time.sleep(0.01)
        seconds = time.perf_counter() - started
    spent = spent_between(before, lab.cpu_seconds())
    memory = lab.peak_memory_mb()["events"]
    lab.end("events")
    found = _count(lab) - stored
    if found != events:
        raise SystemExit(f"ours: {found} of {events} events stored")
    return {
        "events_per_second": events / seconds,
        "worker_cpu_us_per_event": 1e6 * spent["events"] / events,
        "valkey_cpu_us_per_event": 1e6 * spent["valkey"] / events,
        "worker_peak_memory_mb": memory,
    }


def fill(lab: Lab, events: int, entry_rows: int, *, ids: str = "ordered", faststream: bool = False) -> None:
    arguments = ["--events", str(events), "--entry-rows", str(entry_rows), "--ids", ids]
    with lab.helper(
        ["-m", "benchmarks.harness.stream", *arguments, *(["--faststream"] if faststream else [])]
    ) as helper:
        helper.go()
        helper.result()


def _store_bare(lab: Lab, events: int, entry_rows: int) -> dict[str, float]:
    fill(lab, events, entry_rows)
    with lab.helper(["-m", "benchmarks.references.bare_loop", "--events", str(events)]) as helper:
        helper.go()
        result = helper.result()
    if _count(lab) != events:
        raise SystemExit("bare: not all events are stored")
    return {
        "events_per_second": events / result["seconds"],
        "worker_cpu_us_per_event": 1e6 * result["cpu_seconds"] / events,
    }


def _store_faststream(lab: Lab, events: int, entry_rows: int) -> dict[str, float]:
    events //= _FASTSTREAM_SHARE
    database = lab.directory / "faststream.sqlite3"
    for path in Path(lab.directory).glob("faststream.sqlite3*"):
        path.unlink()
    lab.environment["REFERENCE_DATABASE"] = str(database)
    fill(lab, events, entry_rows, faststream=True)
    client = lab.redis
    client.rename(FASTSTREAM_LIST, "filled")
    lab.start_program("consumer", ["-m", "benchmarks.references.faststream_service"])
    lab.wait_for(database.exists, "FastStream's consumer")
    time.sleep(1.0)  # it polls its list from now on, which is still empty
    started = time.perf_counter()
    client.rename("filled", FASTSTREAM_LIST)
    while lab.query("SELECT count(*) FROM event", database=database)[0][0] < events:
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    lab.end("consumer")
    return {"events_per_second": events / seconds}


def _count(lab: Lab) -> int:
    if not lab.uses_sqlite:
        return int(lab.run_code("from analytics.models import Event; print(Event.objects.count())"))
    return int(lab.query("SELECT count(*) FROM analytics_event")[0][0])


if __name__ == "__main__":
    main()
