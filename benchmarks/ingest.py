"""Taking events in: how many a second are answered with 202, and how fast, beside two references.

    python -m benchmarks.ingest [--rounds 3] [--seconds 2] [--smoke]

Two web processes each: ours (validated, and in the Redis stream before the answer), FastAPI + FastStream
(the same work), and a bare ASGI application that only decodes. Nothing is worked off meanwhile.
"""

from itertools import product
from typing import Any

from benchmarks.harness.processes import Lab, free_port, open_lab, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from benchmarks.references import FASTSTREAM_LIST

SYSTEMS = ("ours", "faststream", "bare")
_APPLICATIONS = {
    "faststream": "benchmarks.references.faststream_service:application",
    "bare": "benchmarks.references.bare_asgi:application",
}
KEY = (20, 32)  # batch and connections that the targets are set for
_FIGURES = ("events_per_second", "p50_ms", "p99_ms", "cpu_us_per_request", "refused")


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement, after 0.5 s warm-up")
    parser.add_argument("--only-key", action="store_true", help="batches of 20 on 32 connections alone")
    options = parser.parse_args()
    cells = [KEY] if options.only_key else list(product((1, 20, 500), (1, 32, 256)))
    if options.smoke:
        options.rounds, options.seconds, cells = 1, 0.2, [KEY]
    use_two_cores()

    measured: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    # A queue that is never full: nothing is worked off, and large batches fill the usual one in two seconds.
    with open_lab(INGEST_QUEUE_MAX_BYTES=str(10**10)) as lab:
        ports = start_systems(lab)
        for _ in range(options.rounds):
            for batch, connections in cells:
                for name in SYSTEMS:
                    result = _measure(lab, name, ports[name], batch, connections, options.seconds)
                    measured.setdefault((name, batch, connections), []).append(result)
                    print(
                        f"{name:10} batch {batch:3} connections {connections:3}: "
                        f"{result['events_per_second']:9,.0f} events/s, p50 {result['p50_ms']:.2f} ms, "
                        f"p99 {result['p99_ms']:.2f} ms, {result['cpu_us_per_request']:.0f} µs CPU a request",
                        flush=True,
                    )
        memory = lab.peak_memory_mb()

    def figure(name: str, of: str, cell: tuple[int, int] = KEY) -> float:
        return median(result[of] for result in measured[(name, *cell)])

    rate = "events_per_second"
    ours = figure("ours", rate)
    targets = [
        target("accepted events/s, ours / FastStream", ours / figure("faststream", rate), at_least=4),
        target("accepted events/s, ours / bare", ours / figure("bare", rate), at_least=0.45),
        target(
            "p99, ours / FastStream", figure("ours", "p99_ms") / figure("faststream", "p99_ms"), at_most=0.25
        ),
    ]
    results = [
        {"system": name, "batch": batch, "connections": connections}
        | {of: round(figure(name, of, (batch, connections)), 2) for of in _FIGURES}
        | {"ratio_to_" + other: round(
            figure(name, rate, (batch, connections)) / figure(other, rate, (batch, connections)), 3
        ) for other in SYSTEMS if other != name}
        for name, batch, connections in measured
    ]  # fmt: skip
    write_report("ingest", options, results={"cells": results, "peak_memory_mb": memory}, targets=targets)


def start_systems(lab: Lab) -> dict[str, int]:
    """Start the web servers of all three; returns their ports."""
    lab.start("web")
    ports = {"ours": lab.port}
    for name, application in _APPLICATIONS.items():
        ports[name] = free_port()
        lab.start_program(
            name,
            ["-m", "uvicorn", application, "--port", str(ports[name]), "--workers", "2", "--no-access-log"],
        )
        lab.wait_for_port(ports[name], name)
        lab.wait_for(
            lambda name=name: lab.log(name).count(b"Application startup complete") == 2, f"{name} to be ready"
        )
    return ports


def _measure(lab: Lab, name: str, port: int, batch: int, connections: int, seconds: float) -> dict[str, Any]:
    before = lab.cpu_seconds()
    result = lab.load(port=port, batch=batch, connections=connections, seconds=seconds, warm_up=seconds / 4)
    spent = spent_between(before, lab.cpu_seconds())
    # Beyond MAX_WAITING_BYTES, which 256 connections with batches of 500 exceed, ours refuses some with 503.
    may_refuse = {"503"} if (batch, connections) != KEY else set()
    if not {"202"} <= set(result["statuses"]) <= {"202"} | may_refuse or result["connections_lost"]:
        raise SystemExit(f"{name}: not every request was accepted: {result}")
    result["refused"] = result["statuses"].get("503", 0)
    process = "web" if name == "ours" else name
    cpu = spent[process] + spent["valkey"]
    result["cpu_us_per_request"] = 1e6 * cpu / (result["requests"] * 1.25)  # the warm-up is a fifth of all
    lab.redis.unlink("stream:analytics.events", FASTSTREAM_LIST)
    return result


if __name__ == "__main__":
    main()
