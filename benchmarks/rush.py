"""A rush: 2,000 people register at once, from 64 and from 256 clients, on SQLite and PostgreSQL.

    python -m benchmarks.rush [--registrations 2000] [--clients 64 256] [--smoke]

Everything runs as the system starts it: two web processes, workers of events and mail, beat. A client sends
its next registration when the last was stored, and obeys 503 with Retry-After. Afterwards each 201 must be
stored once, with its mail and its event. Beside it a bare DRF view under gunicorn's threads that inserts the
same rows. The processor time of each program, until the last answer, says where a registration's goes.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import msgspec

from benchmarks.harness.postgresql import run_postgresql
from benchmarks.harness.processes import Lab, open_lab, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, target, write_report

_COUNT = """
from django.db.models import Sum
from analytics.models import Event
from conferences.models import Registration
from notifications.models import Notification
mails = Notification.objects.filter(message_type="registration_confirmation", status="sent")
print(Registration.objects.count(), Registration.objects.values("email").distinct().count(),
      mails.count(), mails.values("recipient").distinct().count(),
      mails.aggregate(n=Sum("attempts"))["n"] or 0, Event.objects.filter(type="registration").count())
"""


class Rush:
    """Clients that register people from one list, and what they were answered."""

    def __init__(self, port: int, people: Iterator[int], *, name: str) -> None:
        self._port, self._people, self._name = port, people, name
        self.seconds: dict[int, list[float]] = {}

    async def client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in self._people:
            body = msgspec.json.encode({"name": "Ann", "email": f"{self._name}{number}@example.com"})
            request = (
                b"POST /api/conferences/test/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            while True:
                started = time.perf_counter()
                writer.write(request)
                status, headers = await _read_answer(reader)
                self.seconds.setdefault(status, []).append(time.perf_counter() - started)
                if headers.get("connection") == "close":
                    writer.close()
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                if status != 503:
                    break
                await asyncio.sleep(float(headers["retry-after"]))
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers


def run_rush(port: int, *, registrations: int, clients: int, name: str) -> dict[str, Any]:
    rush = Rush(port, iter(range(registrations)), name=name)

    async def run() -> None:
        await asyncio.gather(*(rush.client() for _ in range(clients)))

    started = time.perf_counter()
    asyncio.run(run())
    seconds = time.perf_counter() - started
    ordered = sorted(second for some in rush.seconds.values() for second in some)
    return {
        "per_second": round(len(rush.seconds[201]) / seconds, 1),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000),
        "p99_ms": round(ordered[len(ordered) * 99 // 100] * 1000),
        "p50_refused_ms": round(sorted(rush.seconds[503])[len(rush.seconds[503]) // 2] * 1000, 1)
        if 503 in rush.seconds
        else None,
        "statuses": {str(status): len(some) for status, some in sorted(rush.seconds.items())},
    }


@contextmanager
def start_ours(lab: Lab) -> Iterator[int]:
    lab.start("web", "events", "email", "beat")
    yield lab.port
    lab.end("web", "events", "email", "beat")


@contextmanager
def start_bare(lab: Lab) -> Iterator[int]:
    port = lab.port + 1
    lab.start_program(
        "bare",
        ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "6",
         "benchmarks.references.bare_registration:application"],
    )  # fmt: skip
    lab.wait_for_port(port, "bare")
    yield port
    lab.end("bare")


def check_stored(lab: Lab, expected: int) -> dict[str, int]:
    """Wait until each registration has its mail and its event; returns the counts, which may exceed them."""
    names = ("registrations", "addresses", "mails", "recipients", "attempts", "events")

    def count() -> dict[str, int] | None:
        found = dict(zip(names, map(int, lab.run_code(_COUNT).split()), strict=True))
        return found if min(found.values()) >= expected else None

    return lab.wait_for(count, "mails and events", seconds=900, every=2)


def measure(store: str, options: Any) -> list[dict[str, Any]]:
    results = []
    with run_postgresql() if store == "postgresql" else nullcontext("") as url:
        for clients in options.clients:
            environment = {"REGISTRATION_RATE_PER_MINUTE": "0", "DEVELOPMENT_MAILBOX": "true",
                           "EMAIL_RATE_PER_SECOND": "0"}  # fmt: skip
            for system, start in (("ours", start_ours), ("bare", start_bare)):
                with open_lab(**environment) as lab:
                    if url:
                        lab.environment["DATABASE_URL"] = url
                        lab.manage("migrate", "--verbosity", "0")
                        lab.manage("flush", "--no-input")
                    lab.prepare()
                    with start(lab) as port:
                        run_rush(port, registrations=min(20, options.registrations), clients=4, name="warm")
                        before = lab.cpu_seconds()
                        found = run_rush(port, registrations=options.registrations, clients=clients, name="r")
                        spent = spent_between(before, lab.cpu_seconds())
                        found["processor_ms"] = {
                            name: round(seconds * 1000 / options.registrations, 2)
                            for name, seconds in spent.items()
                        }
                        print(f"{store}, {clients} clients, {system}: {found}", flush=True)
                        if system == "ours":
                            expected = options.registrations + min(20, options.registrations)
                            found["expected"] = expected
                            found["stored"] = check_stored(lab, expected)
                results.append({"store": store, "clients": clients, "system": system, **found})
    return results


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--registrations", type=int, default=2000)
    parser.add_argument("--clients", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    if options.smoke:
        options.registrations, options.clients, options.stores = 20, [4], ["sqlite"]
    use_two_cores()
    results = [result for store in options.stores for result in measure(store, options)]
    targets = []
    for result in (item for item in results if item["system"] == "ours"):
        where = f"{result['store']}, {result['clients']} clients"
        allowed = result["statuses"].get("201", 0) + result["statuses"].get("503", 0)
        targets += [
            target(f"{where}: 201 or 503, of all", allowed / sum(result["statuses"].values()), at_least=1),
            target(f"{where}: p99, ms", result["p99_ms"], at_most=1500),
            target(f"{where}: stored once, with mail and event, of those answered 201",
                   sum(count == result["expected"] for count in result["stored"].values()) / 6, at_least=1),
        ]  # fmt: skip
    write_report("rush", options, results=results, targets=targets)


if __name__ == "__main__":
    main()
