"""The whole way: from clients to stored events and to the day's summary, everything on two cores.

    python -m benchmarks.whole_way [--events 1000000] [--rounds 1] [--smoke]

Web processes, the events worker, the daily worker, beat and Valkey, as `bin/run` starts them, and the load
generator beside them. References of the same run: one process that inserts the same rows into SQLite and
does nothing else, and a Django REST framework view with a Celery task a request and the ORM.
"""

import json
import time
from typing import Any

from benchmarks.harness.processes import Lab, free_port, open_lab, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from meeteasy.core.queues import WORKER_OPTIONS, Queue

STREAM = "stream:analytics.events"
_OURS = ("web", "events", "daily", "beat")
# The references' rates do not depend on the number of events, so they get fewer.
_BARE_SHARE = 4
_DRF_SHARE = 50


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, nargs="+", default=[20, 500])
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.events, options.batches = 1, 4000, [20]
    use_two_cores()

    ours: dict[int, list[dict[str, Any]]] = {batch: [] for batch in options.batches}
    bare: dict[bool, list[float]] = {False: [], True: []}
    drf: list[float] = []
    with open_lab() as lab:
        lab.events_concurrency = WORKER_OPTIONS[Queue.ANALYTICS_EVENTS].concurrency
        for _ in range(options.rounds):
            for batch in options.batches:
                for index in bare:
                    bare[index].append(_insert_bare(lab, options.events // _BARE_SHARE, index=index))
                result = _measure_ours(lab, options.events, batch, options.connections)
                ours[batch].append(result)
                print(
                    f"batch {batch:3}: {result['events_per_second']:9,.0f} events/s stored, "
                    f"{result['cpu_us_per_event']:.1f} µs CPU an event, summary right "
                    f"{result['summary_seconds_later']:.1f} s after the last; "
                    f"peak MB {result['peak_memory_mb']}",
                    flush=True,
                )
            drf.append(_measure_drf(lab, options.events // _DRF_SHARE, options.connections))
    print(f"bare insert {median(bare[False]):,.0f} events/s, with our index {median(bare[True]):,.0f}")
    print(f"DRF + Celery + ORM {median(drf):,.0f} events/s")

    targets = []
    for batch, results in ours.items():
        rate = median(result["events_per_second"] for result in results)
        targets += [
            target(f"batch {batch}: ours / bare insert, key only", rate / median(bare[False]), at_least=0.35),
            target(f"batch {batch}: ours / DRF + Celery + ORM", rate / median(drf), at_least=8),
        ]
        for name, bound in (("web", 150), ("events", 250), ("daily", 250)):
            peak = max(result["peak_memory_mb"][name] for result in results)
            targets.append(target(f"batch {batch}: peak MB of a process of {name}", peak, at_most=bound))
    write_report(
        "whole_way",
        options,
        results={
            "ours": ours,
            "bare_insert_events_per_second": {"key only": bare[False], "same index": bare[True]},
            "ours_to_bare_insert_same_index": {
                batch: median(result["events_per_second"] for result in results) / median(bare[True])
                for batch, results in ours.items()
            },
            "drf_celery_orm_events_per_second": drf,
        },
        targets=targets,
    )


def _measure_ours(lab: Lab, events: int, batch: int, connections: int) -> dict[str, Any]:
    lab.empty()
    lab.start(*_OURS)
    client = lab.redis
    lab.load(port=lab.port, batch=batch, connections=connections, events=40 * batch)  # opens connections
    lab.wait_for(lambda: client.xlen(STREAM) == 0, "the first events to be stored")
    first = 40 * batch

    with lab.helper(
        [
            "-m", "benchmarks.harness.load", "--port", str(lab.port), "--batch", str(batch),
            "--connections", str(connections), "--events", str(events),
        ]
    ) as load:  # fmt: skip
        before = lab.cpu_seconds()
        started = time.perf_counter()
        load.go()
        sent = load.result()
    while client.xlen(STREAM):
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    spent = spent_between(before, lab.cpu_seconds())
    if sent["accepted_events"] != events:
        raise SystemExit(f"not all events were accepted: {sent}")

    def summarised() -> bool:
        found = lab.query("SELECT figures FROM analytics_dailysummary")
        return sum(json.loads(figures)["pv"] for (figures,) in found) == first + events

    lab.wait_for(summarised, "the summaries", seconds=120)
    summary_seconds = time.perf_counter() - started - seconds
    memory = {name: round(peak, 1) for name, peak in lab.peak_memory_mb().items()}
    ((stored,),) = lab.query("SELECT count(*) FROM analytics_event")
    if stored != first + events:
        raise SystemExit(f"{stored} of {first + events} events stored")
    lab.end(*_OURS)
    return {
        "events_per_second": events / seconds,
        "accepted_events_per_second": sent["events_per_second"],
        "p99_ms": sent["p99_ms"],
        "refused_with_503": sent["statuses"].get("503", 0),
        "cpu_us_per_event": 1e6 * sum(spent.values()) / events,
        "cpu_us_per_event_by_process": {name: 1e6 * value / events for name, value in spent.items()},
        "client_cpu_us_per_event": 1e6 * sent["own_cpu_seconds"] / events,
        "summary_seconds_later": summary_seconds,
        "peak_memory_mb": memory,
    }


def _insert_bare(lab: Lab, events: int, *, index: bool) -> float:
    database = lab.directory / f"bare-{time.monotonic_ns()}.sqlite3"
    arguments = ["--events", str(events), "--database", str(database), *(["--index"] if index else [])]
    with lab.helper(["-m", "benchmarks.references.bare_insert", *arguments]) as helper:
        helper.go()
        rate: float = helper.result()["events_per_second"]
    for path in lab.directory.glob(f"{database.name}*"):
        path.unlink()
    return rate


def _measure_drf(lab: Lab, events: int, connections: int) -> float:
    """Events a second from the first request to the last row, batches of 20."""
    database = lab.directory / f"drf-{time.monotonic_ns()}.sqlite3"
    lab.environment["REFERENCE_DATABASE"] = str(database)
    lab.redis.flushall()
    port = free_port()
    own = {"DJANGO_SETTINGS_MODULE": ""}
    module = "benchmarks.references.drf_celery"
    lab.start_program("create", ["-m", module], environment=own)
    lab.processes.pop("create").wait()
    lab.start_program(
        "drf",
        ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--worker-class", "gthread",
         "--threads", "8", "--keep-alive", "30", "--log-level", "warning", f"{module}:application"],
        environment=own,
    )  # fmt: skip
    lab.start_program(
        "drf-worker",
        ["-m", "celery", "--app", module, "worker", "--concurrency", "1", "--loglevel", "INFO",
         "--without-gossip", "--without-mingle"],
        environment=own,
    )  # fmt: skip
    lab.wait_for_port(port, "gunicorn")
    lab.wait_for(lambda: b" ready." in lab.log("drf-worker"), "the reference's worker")

    def stored() -> int:
        return int(lab.query("SELECT count(*) FROM drf_celery_reference_event", database=database)[0][0])

    lab.load(port=port, batch=20, connections=connections, events=400)
    lab.wait_for(lambda: stored() == 400, "the reference's first events")
    started = time.perf_counter()
    lab.load(port=port, batch=20, connections=connections, events=events)
    lab.wait_for(lambda: stored() == 400 + events, "the reference to store", seconds=300)
    seconds = time.perf_counter() - started
    lab.end("drf", "drf-worker")
    return events / seconds


if __name__ == "__main__":
    main()
