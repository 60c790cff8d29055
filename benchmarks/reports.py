"""Reports: what organizers wait for, at two sizes of a share tree, through the web server.

    python -m benchmarks.reports [--links 35000 350000] [--requests 60] [--databases sqlite …] [--smoke]

Leaderboard and channels under every credit model, of all time and of a range of days; K-factor, search by
sharer, a rare reason of not credited codes; the usual reads of the API; and an import of events beside the
rate of a worker from the stream (benchmarks/storing.py has that in detail). Each request goes over one
connection to the real server with two web processes; milliseconds are until the whole answer was read.

In turn with them goes a bare view of Django REST framework (references/bare_reading.py: a token and one
queryset of 20 links) under the same server, so that a figure says something on another machine, too.
"""

import gzip
import http.client
import json
import time
from contextlib import ExitStack
from typing import Any

from benchmarks.harness.postgresql import run_postgresql
from benchmarks.harness.processes import Lab, free_port, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report

_MODELS = ("full", "linear", "position_based", "time_decay", "first_touch", "last_touch")
_CONFERENCE = "reports"
# The generator's events begin on 2026-05-01 and take thirty days.
_RANGES = {"all": "", "days": "&from=2026-05-03&to=2026-05-30"}
_USUAL = ("daily", "live", "tree", "leaderboard", "registrations", "conference", "links")
_WANTED_MS = 100
_USUAL_MS = {"sqlite": 4, "postgresql": 6}
_BARE = "bare view of DRF"
# Of the bare view's time, for the slowest usual read and for the one that answers the same.
_USUAL_RATIO, _LINKS_RATIO = 1.5, 1


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--links", nargs=2, type=int, default=[35_000, 350_000])
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    parser.add_argument("--registrations", type=int, default=3000)
    parser.add_argument("--lines", type=int, default=100_000, help="of the import of events")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    if options.smoke:
        options.links, options.requests, options.registrations = [200, 400], 2, 20
        options.lines, options.databases = 200, ["sqlite"]
    use_two_cores()
    results: dict[str, Any] = {}
    targets: list[dict[str, Any]] = []
    for name in options.databases:
        results[name] = _measure(name, options)
        targets += _targets(name, results[name])
    write_report("reports", options, results=results, targets=targets)


def _targets(name: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    small, large = found["sizes"]
    others = (*_USUAL, _BARE)
    slow = {kind: times["p95_ms"] for kind, times in large["reads"].items() if kind not in others}
    worst = max(slow, key=lambda kind: slow[kind])
    usual = {kind: large["reads"][kind]["p50_ms"] for kind in _USUAL}
    slowest = max(usual, key=lambda kind: usual[kind])
    boards = [kind for kind in slow if kind.endswith(" all") and kind.startswith(("leaderboard", "channels"))]
    level = max(large["reads"][kind]["p50_ms"] / small["reads"][kind]["p50_ms"] for kind in boards)
    bare = large["reads"][_BARE]["p50_ms"]
    return [
        target(f"{name}: slowest report ({worst}), p95 ms", slow[worst], at_most=_WANTED_MS),
        target(f"{name}: leaderboard and channels of all time, large to small tree", level, at_most=1.5),
        target(f"{name}: slowest usual read ({slowest}), p50 ms", usual[slowest], at_most=_USUAL_MS[name]),
        target(f"{name}: the same, to a bare view of DRF", usual[slowest] / bare, at_most=_USUAL_RATIO),
        target(f"{name}: 20 links, to a bare view of DRF", usual["links"] / bare, at_most=_LINKS_RATIO),
    ]


def _measure(database: str, options: Any) -> dict[str, Any]:
    sizes = []
    for links in options.links:
        with ExitStack() as stack:
            environment = {}
            if database == "postgresql":
                environment["DATABASE_URL"] = stack.enter_context(run_postgresql())
            lab = stack.enter_context(open_lab(**environment))
            lab.prepare()
            arguments = ["-m", "benchmarks.harness.reports", str(links), str(options.registrations)]
            with lab.helper(arguments) as helper:
                helper.go()
                filled = helper.result()
            print({name: filled[name] for name in filled if name != "token"}, flush=True)
            sizes.append({**filled, "reads": _time_reads(lab, filled, options.requests)})
            if links == options.links[-1]:
                importing = _time_import(lab, options.lines)
    return {"sizes": sizes, "import": importing}


def _addresses(filled: dict[str, Any]) -> dict[str, str]:
    of = f"conference_id={_CONFERENCE}"
    made = {
        f"{path} {model} {name}": f"/api/sharing/{path}?{of}&model={model}{days}"
        for path in ("leaderboard", "channels")
        for model in _MODELS
        for name, days in _RANGES.items()
    }
    for name, days in _RANGES.items():
        made[f"k-factor {name}"] = f"/api/sharing/k-factor?{of}{days}"
    made |= {
        "search by sharer": f"/api/sharing/links?{of}&search={filled['sharer']}",
        "search by code": f"/api/sharing/links?{of}&search={filled['code']}",
        "search without a match": f"/api/sharing/links?{of}&search=nobody-at-all",
        "rare reason": f"/api/sharing/not-credited?{of}&reason={filled['rare_reason']}",
        "reason without rows": f"/api/sharing/not-credited?{of}&reason=held",
        "conversions": f"/api/sharing/conversions?{of}&model=linear",
        # the usual reads
        "daily": f"/api/analytics/daily?{of}&from=2026-05-01&to=2026-05-30",
        "live": f"/api/analytics/live?{of}",
        "tree": f"/api/sharing/tree?{of}&page_size=20",
        "leaderboard": f"/api/sharing/leaderboard?{of}&page_size=20",
        "links": f"/api/sharing/links?{of}&page_size=20",
        "registrations": f"/api/conferences/{_CONFERENCE}/registrations?page_size=20",
        "conference": f"/api/conferences/{_CONFERENCE}",
    }
    return made


def _time_reads(lab: Lab, filled: dict[str, Any], requests: int) -> dict[str, Any]:
    lab.start("web")
    port = _start_bare_view(lab)
    ours, bare = (http.client.HTTPConnection("127.0.0.1", number) for number in (lab.port, port))
    headers = {"Authorization": f"Token {filled['token']}"}
    addresses = _addresses(filled) | {_BARE: f"/links?conference_id={_CONFERENCE}"}
    times: dict[str, list[float]] = {kind: [] for kind in addresses}
    for attempt in range(requests + 2):
        for kind, address in addresses.items():
            connection = bare if kind == _BARE else ours
            started = time.perf_counter()
            connection.request("GET", address, headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{address}: {response.status} {body[:300]!r}")
            if attempt >= 2:  # the first ones warm both processes up
                times[kind].append(1000 * (time.perf_counter() - started))
    ours.close()
    bare.close()
    lab.end("web", "bare")
    found = {}
    for kind, measured in times.items():
        ordered = sorted(measured)
        found[kind] = {
            "p50_ms": round(median(ordered), 2),
            "p95_ms": round(ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)], 2),
        }
        print(f"{kind:32} p50 {found[kind]['p50_ms']:8.2f}  p95 {found[kind]['p95_ms']:8.2f} ms", flush=True)
    return found


def _start_bare_view(lab: Lab) -> int:
    """The port of the reference, under the same server with as many processes and threads as ours."""
    port = free_port()
    lab.start_program(
        "bare",
        ["-m", "uvicorn", "benchmarks.references.bare_reading:application", "--port", str(port),
         "--workers", "2", "--http", "meeteasy.serving.protocol:BoundedProtocol", "--no-access-log"],
    )  # fmt: skip
    lab.wait_for_port(port, "bare")
    started = b"Application startup complete"
    lab.wait_for(lambda: lab.log("bare").count(started) == 2, "the bare view's processes")
    return port


def _time_import(lab: Lab, lines: int) -> dict[str, float]:
    """Lines of new events a second of `import_events`, with one process."""
    file = lab.directory / "events.jsonl.gz"
    now_ms = round(time.time() * 1000)
    with gzip.open(file, "wt", compresslevel=1) as out:
        for number in range(lines):
            event = {
                "type": "page_view", "conference_id": "bench-01", "event_id": f"import-{number:09}",
                "visitor_id": f"v{number % 10_000}", "ts": now_ms - number * 1000,
                "page": f"/p/{number % 50}",
            }  # fmt: skip
            out.write(json.dumps(event) + "\n")
    started = time.perf_counter()
    lab.manage("import_events", str(file), "--no-progress")
    seconds = time.perf_counter() - started
    print(f"import: {lines / seconds:,.0f} lines/s", flush=True)
    return {"lines_per_second": lines / seconds}


if __name__ == "__main__":
    main()
