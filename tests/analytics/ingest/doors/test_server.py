"""Every door of the real server: endless, slow and torn requests get an answer, and the server lives on."""

import gzip
import random
import select
import socket
import time
from collections.abc import Iterator

import httpx
import msgspec
import psutil
import pytest

from tests.analytics.ingest.doors.test_bad_input import EXAMPLES, is_error_of
from tests.support.system import System

pytestmark = pytest.mark.processes

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("doors"))
    system.web_processes = 2
    system.start("web")
    yield system
    system.stop()


def memory(web: System) -> int:
    process = psutil.Process(web.processes["web"].pid)
    return sum(child.memory_info().rss for child in process.children(recursive=True))


def post(web: System, path: str, content: bytes, **headers: str) -> httpx.Response:
    return web.http.post(path, content=content, headers={"Content-Type": "text/plain", **headers})


def test_endless_bodies_and_bombs_cost_no_memory(web: System) -> None:
    for path, example in EXAMPLES.items():  # loads what every request needs
        post(web, path, msgspec.json.encode(example))
    before = memory(web)
    for path in EXAMPLES:
        for _ in range(5):
            bomb = post(web, path, gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"})
            assert (bomb.status_code, is_error_of(path, bomb)) == (413, True)
        declared = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
            path.encode(),
            100 * MEGABYTE,
        )
        chunked = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode()
        for head in (declared, chunked):
            status = send_without_end(web, head, in_chunks=head is chunked)
            assert status == 413, path
    assert memory(web) - before < 40 * MEGABYTE
    assert b"Traceback" not in web.log("web")


def send_without_end(web: System, head: bytes, *, in_chunks: bool) -> int:
    """Send up to 100 MB until the server answers. Returns the status."""
    part = b" " * 65_536
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(head)
        for _ in range(1600):
            if select.select([connection], [], [], 0)[0]:
                break
            try:
                connection.sendall(b"%x\r\n%s\r\n" % (len(part), part) if in_chunks else part)
            except OSError:
                break
        return int(connection.recv(65_536).split(b" ")[1])


def test_random_bytes_and_torn_requests_leave_no_trace(web: System) -> None:
    chance = random.Random(17)
    for path, example in EXAMPLES.items():
        whole = msgspec.json.encode(example)
        for _ in range(20):
            answer = post(web, path, chance.randbytes(chance.randrange(1, 2000)))
            assert (answer.status_code, is_error_of(path, answer)) == (400, True)
        packed = gzip.compress(whole)
        for _ in range(20):
            damaged = bytearray(packed)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            answer = post(web, path, bytes(damaged), **{"Content-Encoding": "gzip"})
            assert answer.status_code < 500
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(whole))
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
            connection.sendall(head + whole[:10])  # and hang up
    assert b"Traceback" not in web.log("web")
    assert b" 500 " not in web.log("web")


def test_slow_bodies_are_given_up_and_hold_up_nobody(web: System) -> None:
    """All doors at once: the server waits 20 seconds for a byte."""
    slow = []
    for path in EXAMPLES:
        connection = socket.create_connection(("127.0.0.1", web.port), timeout=60)
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{" % path.encode())
        slow.append(connection)
    began = time.monotonic()
    for path, example in EXAMPLES.items():
        assert post(web, path, msgspec.json.encode(example)).status_code < 500
    assert time.monotonic() - began < 5
    for connection in slow:
        assert connection.recv(65_536) == b""  # closed
        connection.close()
    assert 15 < time.monotonic() - began < 45
