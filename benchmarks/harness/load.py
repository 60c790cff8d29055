"""A load generator that costs little: raw sockets, and requests whose bytes are made beforehand.

A program of its own, so that what it costs is not counted as the server's. It says `ready`, waits for a
line, sends, and prints its result as JSON:

    python -m benchmarks.harness.load --port 8000 --batch 20 --connections 32 --events 100000

Each connection has one request under way at a time. An answer 503 or 429 is obeyed: the batch is sent again
after `Retry-After`. Only to 127.0.0.1.
"""

import argparse
import asyncio
import itertools
import json
import resource
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import cast

import uvloop

from benchmarks.harness.batches import make_bodies

# Made once and sent round and round, when the run is bounded by time: ids repeat, which only the store sees.
_POOL_EVENTS = 100_000


class Run:
    """The requests of one measurement, and what became of them."""

    def __init__(self, requests: Iterator[bytes], *, batch: int) -> None:
        self.requests = requests
        self.batch = batch
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self.accepted_requests = 0
        self.counting = True
        self.stopped = False
        self.finished_at = 0.0

    def clear(self) -> None:
        """Forget the warm-up."""
        self.latencies = array("d")
        self.statuses.clear()
        self.lost = self.accepted_requests = 0

    def next_request(self) -> bytes | None:
        return None if self.stopped else next(self.requests, None)


class Connection(asyncio.Protocol):
    """One keep-alive connection; sends the next request when it has the answer to the last."""

    def __init__(self, run: Run, port: int, done: "asyncio.Future[None]") -> None:
        self._run, self._port, self.done = run, port, done
        self._request: bytes | None = None
        self._sent_at = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._is_refused = False  # and waits for Retry-After, while the server may hang up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""
        if self._request is None:
            self._send_next()
        else:
            self._send()

    def _send_next(self) -> None:
        self._request = self._run.next_request()
        if self._request is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        assert self._request is not None
        self._is_refused = False
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = data
            return
        head = data[:end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(data) < end + 4 + length:
            self._buffer = data
            return
        self._buffer = b""
        run = self._run
        status = int(data[9:12])
        now = time.perf_counter()
        if run.counting:
            run.statuses[status] += 1
            run.latencies.append(now - self._sent_at)
            if status == 202:
                run.accepted_requests += 1
                run.finished_at = now
        if status in (429, 503) and not run.stopped:
            place = head.find(b"retry-after:")
            wait = int(head[place + 12 :].split(b"\r\n", 1)[0]) if place >= 0 else 1
            self._is_refused = True
            asyncio.get_running_loop().call_later(wait, self._send_again)
        else:
            self._send_next()

    def _send_again(self) -> None:
        if self._run.stopped:
            if not self.done.done():
                self.done.set_result(None)
        elif self._transport is not None and not self._transport.is_closing():
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if self.done.done():
            return
        self._run.lost += not self._is_refused
        self._reconnecting = asyncio.ensure_future(self._reconnect())

    async def _reconnect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._run.stopped:
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return
        if not self.done.done():
            self.done.set_result(None)


async def send(run: Run, *, port: int, connections: int, seconds: float | None, warm_up: float) -> float:
    """Send until the requests or the time are used up. Returns the seconds that count."""
    loop = asyncio.get_running_loop()
    run.counting = not warm_up
    started = time.perf_counter()
    clients = [Connection(run, port, loop.create_future()) for _ in range(connections)]
    await asyncio.gather(
        *(loop.create_connection(lambda client=client: client, "127.0.0.1", port) for client in clients)
    )
    if warm_up:
        await asyncio.sleep(warm_up)
        run.clear()
        run.counting = True
        started = time.perf_counter()
    everything = asyncio.gather(*(client.done for client in clients))
    if seconds is None:
        await everything
        return run.finished_at - started
    await asyncio.sleep(seconds)
    run.counting = False
    measured = time.perf_counter() - started
    run.stopped = True
    await asyncio.wait_for(everything, 30)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/api/analytics/events")
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--events", type=int, help="so many different events, each once")
    parser.add_argument("--seconds", type=float, help="or: for so long")
    parser.add_argument("--warm-up", type=float, default=0.0)
    parser.add_argument("--ids", choices=["ordered", "random"], default="ordered")
    options = parser.parse_args()

    def to_request(body: bytes) -> bytes:
        return (
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (options.path.encode(), len(body), body)
        )

    events = options.events or min(_POOL_EVENTS, 20_000 * options.batch)
    requests = [to_request(body) for body in make_bodies(events, batch=options.batch, ids=options.ids)]
    run = Run(iter(requests) if options.events else itertools.cycle(requests), batch=options.batch)
    print("ready", flush=True)
    input()
    seconds = uvloop.run(
        send(
            run,
            port=options.port,
            connections=options.connections,
            seconds=None if options.events else options.seconds,
            warm_up=options.warm_up,
        )
    )
    times = sorted(run.latencies)
    accepted = run.accepted_requests * options.batch
    if options.events and run.accepted_requests == len(requests):
        accepted = options.events  # the last batch may be smaller
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "requests": sum(run.statuses.values()),
                "accepted_events": accepted,
                "events_per_second": accepted / seconds if seconds else 0.0,
                "p50_ms": 1000 * times[len(times) // 2] if times else None,
                "p99_ms": 1000 * times[min(len(times) - 1, len(times) * 99 // 100)] if times else None,
                "statuses": {str(status): count for status, count in run.statuses.items()},
                "connections_lost": run.lost,
                "own_cpu_seconds": usage.ru_utime + usage.ru_stime,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
