"""What a longer history costs: the rate of storing with 1 and with 10 million events stored before.

    python -m benchmarks.history [--sizes 1000000 10000000] [--events 200000] [--rounds 3] [--smoke]

With ids that follow each other, as our SDK and our server make them (UUIDv7), and with random ones
(UUIDv4), as third parties send them. The worker is the real one, with all reactions, on SQLite.
"""

import shutil
from typing import Any

from benchmarks.harness.history import add_history
from benchmarks.harness.processes import open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from benchmarks.storing import store_ours


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--sizes", type=int, nargs=2, default=[1_000_000, 10_000_000])
    parser.add_argument("--events", type=int, default=200_000, help="stored in each measurement")
    parser.add_argument("--ids", nargs="+", default=["ordered", "random"])
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.sizes, options.events, options.ids = 1, [1000, 2000], 1000, ["ordered"]
    use_two_cores()

    results: dict[str, Any] = {}
    for ids in options.ids:
        with open_lab() as lab:
            lab.prepare()
            files = []
            for size in options.sizes:
                file = lab.directory / f"history-{size}.sqlite3"
                shutil.copy(lab.database, file)
                add_history(file, first=0, events=size, ids=ids)
                files.append(file)
            rounds: dict[int, list[dict[str, float]]] = {size: [] for size in options.sizes}
            for _ in range(options.rounds):
                for size, file in zip(options.sizes, files, strict=True):
                    lab.empty()
                    shutil.copy(file, lab.database)
                    rounds[size].append(store_ours(lab, options.events, 200, ids=ids))
                    print(f"{ids} ids, {size:,} before: {rounds[size][-1]}", flush=True)
        rates = {size: median(found["events_per_second"] for found in rounds[size]) for size in rounds}
        cost = {size: median(found["worker_cpu_us_per_event"] for found in rounds[size]) for size in rounds}
        short, long = options.sizes
        results[ids] = {
            "events_per_second": rates,
            "worker_cpu_us_per_event": cost,
            "slowdown": rates[short] / rates[long],
            "slowdown_of_cpu": cost[long] / cost[short] if cost[short] else None,
            "rounds": rounds,
        }
        print(f"{ids} ids: {results[ids]['slowdown']:.2f} times slower with {long:,} than with {short:,}")
    targets = []
    if "ordered" in results:
        targets.append(
            target("slowdown, ids that follow each other", results["ordered"]["slowdown"], at_most=1.2)
        )
    write_report("history", options, results=results, targets=targets)


if __name__ == "__main__":
    main()
