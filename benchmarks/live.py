"""Live alerts: from the request of a registration to the last of a conference's open sockets.

    python -m benchmarks.live [--rounds 3] [--sockets 1000] [--registrations 50] [--smoke]

Two web processes and one worker of the events queue, started as `bin/run` starts them. The time includes all
of the way: the request, the row, its event in the stream, the worker that stores it and reacts, Redis, and
writing to every socket; and what the client itself needs to read them, on the same two cores.
"""

from typing import Any

from benchmarks.harness.processes import open_lab, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--registrations", type=int, default=50, help="of each round, one after the other")
    parser.add_argument("--deflate", type=int, default=0, help="1: sockets offer compression")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.sockets, options.registrations = 1, 20, 3
    use_two_cores()

    rounds: list[dict[str, Any]] = []
    with open_lab(REGISTRATION_RATE_PER_MINUTE="0", LIVE_HEARTBEAT_SECONDS="3600") as lab:
        lab.prepare()
        token = lab.token()
        lab.start("web", "events")
        for _ in range(options.rounds):
            arguments = {
                "port": lab.port, "token": token, "sockets": options.sockets,
                "registrations": options.registrations, "deflate": options.deflate,
            }  # fmt: skip
            flags = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
            with lab.helper(["-m", "benchmarks.harness.sockets", *flags]) as client:
                before = lab.cpu_seconds()
                client.go()
                times = client.result()
            spent = spent_between(before, lab.cpu_seconds())
            rounds.append(summarise(times, spent, options.registrations + 3))
            print("  ".join(f"{name} {value:g}" for name, value in rounds[-1].items()), flush=True)
        memory = lab.peak_memory_mb()

    figures = {name: median(result[name] for result in rounds) for name in rounds[0]}
    write_report(
        "live",
        options,
        results={"sockets": options.sockets, **figures, "rounds": rounds, "peak_memory_mb": memory},
        targets=[target("p99 from request to last socket, ms", figures["last_p99_ms"], at_most=1000)],
    )


def summarise(times: dict[str, Any], spent: dict[str, float], registrations: int) -> dict[str, float]:
    figures = {"open_seconds": round(times["open_seconds"], 2)}
    for name in ("answered", "half", "last"):
        ordered = sorted(times[name])
        for share in (50, 99):
            value = ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
            figures[f"{name}_p{share}_ms"] = round(value * 1000, 1)
    for name, seconds in spent.items():
        figures[f"{name}_cpu_ms_per_alert"] = round(seconds * 1000 / registrations, 1)
    return figures


if __name__ == "__main__":
    main()
