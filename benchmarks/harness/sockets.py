"""Many live sockets in one cheap client: raw protocols that look at a frame's head and a few bytes of it.

A program of its own, so that what it costs is not counted as the server's. It opens the sockets, says
`ready`, waits for a line, then registers people one after the other and prints JSON:

    python -m benchmarks.harness.sockets --port 8000 --token KEY --sockets 1000 --registrations 50

For each registration it notes, from the moment its request is sent: when the answer came, and when the alert
had reached half of the sockets and the last one. Only to 127.0.0.1.
"""

import argparse
import asyncio
import base64
import json
import os
import time
import uuid
from typing import cast

import uvloop

_ALERT = b'"type":"registration"'


class Round:
    """One registration and the sockets that its alert has reached."""

    def __init__(self, sockets: int) -> None:
        self.arrivals: list[float] = []
        self.sockets = sockets
        self.all_reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def reached(self) -> None:
        self.arrivals.append(time.perf_counter())
        if len(self.arrivals) == self.sockets:
            self.all_reached.set_result(None)


class Socket(asyncio.Protocol):
    """A web socket that answers pings and counts alerts. Frames from a server are not masked."""

    round: Round | None = None  # of the class: the one under way

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = b""
        self._upgraded = False
        self.has_snapshot: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.has_snapshot.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._upgraded, self._buffer = True, rest
        while self._read_frame():
            pass

    def _read_frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        length, start = buffer[1] & 127, 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + length:
            return False
        payload, self._buffer = buffer[start : start + length], buffer[start + length :]
        opcode = buffer[0] & 15
        if opcode == 9:
            self._transport.write(bytes([0x8A, 0x80 | length]) + bytes(4) + payload)  # masked with zeros
        elif opcode == 8:
            raise SystemExit(f"the server closed a socket: {payload!r}")
        elif not self.has_snapshot.done():
            self.has_snapshot.set_result(None)
        elif self.round is not None and (buffer[0] & 64 or _ALERT in payload[:80]):  # 64: compressed
            self.round.reached()
        return True


async def open_sockets(options: argparse.Namespace) -> list[Socket]:
    loop = asyncio.get_running_loop()
    sockets = []
    for start in range(0, options.sockets, 50):
        some = [Socket(_handshake(options)) for _ in range(start, min(start + 50, options.sockets))]
        for socket in some:
            await loop.create_connection(lambda socket=socket: socket, "127.0.0.1", options.port)
        await asyncio.gather(*(socket.has_snapshot for socket in some))
        sockets += some
    return sockets


def _handshake(options: argparse.Namespace) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws/conferences/{options.conference}/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Token {options.token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"{'Sec-WebSocket-Extensions: permessage-deflate' + chr(13) + chr(10) if options.deflate else ''}\r\n"
    ).encode()


async def register(options: argparse.Namespace) -> None:
    """POST one registration and read the answer."""
    body = json.dumps({"name": "Ada Lovelace", "email": f"{uuid.uuid4().hex}@example.com"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
    writer.write(
        f"POST /api/conferences/{options.conference}/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 201"):
        raise SystemExit(f"the registration was not taken: {answer[:500]!r}")


async def run(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    sockets = await open_sockets(options)
    opened = time.perf_counter() - started
    print("ready", flush=True)
    await asyncio.to_thread(input)
    answered, half, last = [], [], []
    for number in range(options.warm_up + options.registrations):
        current = Socket.round = Round(len(sockets))
        sent_at = time.perf_counter()
        await register(options)
        answered_at = time.perf_counter()
        await asyncio.wait_for(current.all_reached, 60)
        if number >= options.warm_up:
            answered.append(answered_at - sent_at)
            half.append(current.arrivals[len(current.arrivals) // 2] - sent_at)
            last.append(current.arrivals[-1] - sent_at)
        await asyncio.sleep(options.pause)
    print(json.dumps({"open_seconds": opened, "answered": answered, "half": half, "last": last}), flush=True)
    os._exit(0)  # a thousand orderly goodbyes would take longer than the measurement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--conference", default="test")
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--registrations", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two registrations")
    parser.add_argument("--deflate", type=int, default=0)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
