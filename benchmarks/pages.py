"""Event pages a second, warm, beside a static file from the same server.

    python -m benchmarks.pages [--requests 3000] [--clients 32] [--rounds 3] [--smoke]

The system runs as it is started, with two web processes. A client has one request under way. Each request
for the page of a conference with 20 speakers and 40 sessions has a share code of its own, as visitors do.
The static file is the page's style sheet.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.harness.processes import open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report

_FILL = """
import datetime as dt
from conferences.models import Conference
from visuspace.models import Session, Speaker
conference = Conference.objects.get(id="test")
Speaker.objects.bulk_create(
    Speaker(conference=conference, name=f"Speaker {n}", affiliation="Club") for n in range(20)
)
begin = dt.datetime(2030, 5, 1, 8, tzinfo=dt.UTC)
Session.objects.bulk_create(
    Session(
        conference=conference, title=f"Talk {n}", room="Hall", starts_at=begin + n * dt.timedelta(minutes=30)
    )
    for n in range(40)
)
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--requests", type=int, default=3000, help="of each kind in each round")
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.requests, options.clients = 1, 40, 4
    use_two_cores()

    rounds: dict[str, list[dict[str, float]]] = {"page": [], "static": []}
    with open_lab() as lab:
        lab.start("web")
        lab.run_code(_FILL)
        kinds = {"page": _pages(), "static": itertools.repeat("/static/visuspace/page.css")}
        for paths in kinds.values():
            asyncio.run(_fetch(lab.port, paths, clients=4, requests=options.clients * 4))
        for _ in range(options.rounds):
            for kind, paths in kinds.items():
                found = asyncio.run(
                    _fetch(lab.port, paths, clients=options.clients, requests=options.requests)
                )
                rounds[kind].append(found)
                print(f"{kind:7} {found}", flush=True)
    rates = {kind: median(found["per_second"] for found in each) for kind, each in rounds.items()}
    p99 = {kind: median(found["p99_ms"] for found in each) for kind, each in rounds.items()}
    targets = [
        target("pages/s, page / static file", rates["page"] / rates["static"], at_least=0.5),
        target("p99, page / static file", p99["page"] / p99["static"], at_most=2),
    ]
    results: dict[str, Any] = {"per_second": rates, "p99_ms": p99, "rounds": rounds}
    write_report("pages", options, results=results, targets=targets)


def _pages() -> Iterator[str]:
    while True:
        yield f"/conf/test?_s={secrets.token_urlsafe(12)}"


async def _fetch(port: int, paths: Iterator[str], *, clients: int, requests: int) -> dict[str, float]:
    """Send requests from clients at once. Every answer must be 200."""
    seconds: list[float] = []
    left = itertools.islice(paths, requests)
    begin = time.perf_counter()
    await asyncio.gather(*(_client(port, left, seconds) for _ in range(clients)))
    took = time.perf_counter() - begin
    seconds.sort()
    return {
        "per_second": round(requests / took, 1),
        "p50_ms": round(seconds[len(seconds) // 2] * 1000, 2),
        "p99_ms": round(seconds[len(seconds) * 99 // 100] * 1000, 2),
    }


async def _client(port: int, paths: Iterator[str], seconds: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        started = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200"), head
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length.split(":")[1]))
        seconds.append(time.perf_counter() - started)
    writer.close()


if __name__ == "__main__":
    main()
