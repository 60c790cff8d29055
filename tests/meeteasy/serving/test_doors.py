"""Limits in front of the application, seen from outside through sockets."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import psutil
import pytest
from django.urls import resolve

from tests.support.system import System

pytestmark = pytest.mark.processes

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("doors"))
    system.environment |= {"MAX_CONNECTIONS": "50"}
    system.web_processes = 2
    system.start("web")
    yield system
    system.stop()


def connect(web: System) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=30)


def receive(connection: socket.socket, *, until: bytes, times: int = 1) -> bytes:
    """Return what arrives, at least up to the last of these texts."""
    received = b""
    while received.count(until) < times:
        part = connection.recv(65536)
        assert part, f"closed after {received!r}"
        received += part
    return received


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Return the status, headers and body of an answer. Reads until the body or the connection ends."""
    received = receive(connection, until=b"\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, body


def code_of(body: bytes) -> str:
    return str(msgspec.json.decode(body)["error"]["code"])


def memory(web: System) -> int:
    process = psutil.Process(web.processes["web"].pid)
    return sum(child.memory_info().rss for child in process.children(recursive=True))


def send_until_refused(connection: socket.socket, part: bytes, *, most: int) -> int:
    """Send until the server refuses. Returns how many bytes it took."""
    sent = 0
    connection.settimeout(5)
    try:
        while sent < most:
            sent += connection.send(part)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    "path",
    [
        "/api/conferences",
        "/accounts/login/",
        "/api/nothing",
        "/admin/",
        "/readyz",
        "/console/",
        "/api/conferences/test/registrations",
        "/api/conversions/x",
    ],
)
def test_an_endless_body_is_refused_at_its_limit(web: System, path: str) -> None:
    before = memory(web)
    with closing(connect(web)) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        for _ in range(17):
            connection.sendall(chunk)
        status, _, body = answer_of(connection)
        assert (status, code_of(body)) == (413, "too_large")
        assert send_until_refused(connection, chunk, most=300 * MEGABYTE) < 30 * MEGABYTE
    assert memory(web) - before < 30 * MEGABYTE


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/conversions", 64),
        ("/api/conferences/test/registrations/import", 11),
        ("/api/conferences", 1),
        ("/console/c/test/people/import/", 11),
        ("/console/c/test/files/upload/", 64),
        ("/console/c/test/page/en/pictures/upload/", 64),
        ("/console/new/", 1),
    ],
)
def test_only_imports_and_conversions_take_more_than_1_mb(web: System, path: str, limit: int) -> None:
    resolve(path)  # raises an error unless it is an address of ours
    for size, expected in ((limit * MEGABYTE, False), (limit * MEGABYTE + 1, True)):
        answer = web.http.post(path, content=b" " * size, headers={"Content-Type": "application/json"})
        assert (answer.status_code == 413) is expected, answer.text


def test_bodies_share_a_budget_of_the_process(tmp_path: Path) -> None:
    """What one client holds back costs others 503, not the machine its memory."""
    system = System(tmp_path)
    system.environment |= {"MAX_BUFFERED_BYTES": str(MEGABYTE)}
    system.start("web")
    head = b"POST /api/conferences HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
    slow = [connect(system) for _ in range(8)]
    try:
        for connection in slow:
            connection.sendall(head + b" " * 800_000)
        answered: list[socket.socket] = []

        def refused() -> bool:
            """Whether all but the one for which there is room have an answer."""
            answered[:] = select.select(slow, [], [], 0)[0]
            return len(answered) >= len(slow) - 1

        system.wait_for(refused, "refusals")
        for connection in answered:
            status, headers, body = answer_of(connection)
            assert (status, code_of(body), headers["retry-after"], headers["connection"]) == (
                503, "busy", "2", "close",
            )  # fmt: skip
        assert len(answered) < len(slow), "none was given the room that there is"
        assert system.http.get("/api/nothing").status_code == 404, "without a body there is always room"
        # A fast client gets the room of the slow one that came first.
        for number in range(8):
            person = {"name": "Bob", "email": f"bob-{number}@example.com", "answers": {"x": "y" * 200_000}}
            answer = system.http.post("/api/conferences/test/registrations", json=person)
            assert answer.status_code != 503, answer.text
    finally:
        for connection in slow:
            connection.close()
    registration = {"name": "Ann", "email": "ann@example.com"}

    def register() -> bool:
        return system.http.post("/api/conferences/test/registrations", json=registration).status_code == 201

    system.wait_for(register, "room again", seconds=10)
    system.stop()


def test_a_declared_excess_is_refused_before_it_is_sent(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(
            b"POST /api/conferences HTTP/1.1\r\nHost: localhost\r\nContent-Length: 314572800\r\n\r\n"
        )
        status, _, body = answer_of(connection)
    assert (status, code_of(body)) == (413, "too_large")


@pytest.mark.parametrize("complete", [True, False])
def test_headers_above_64_kib_are_refused_and_not_kept(web: System, complete: bool) -> None:
    before = memory(web)
    with closing(connect(web)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        if complete:
            connection.sendall(b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(70)))
            connection.sendall(b"\r\n")
        else:
            connection.sendall(b"x: ")
            sent = send_until_refused(connection, b"y" * 65536, most=30 * MEGABYTE)
            assert sent < 20 * MEGABYTE
            connection.settimeout(5)
        status, headers, body = answer_of(connection)
    assert (status, code_of(body), headers["connection"]) == (431, "headers_too_large", "close")
    assert memory(web) - before < 20 * MEGABYTE


@pytest.mark.parametrize("path", ["/api/conferences", "/api/analytics/events"])
@pytest.mark.parametrize(
    ("end", "part"),
    [
        (b"0\r\n", b"a: b\r\n" * 10_000),
        (b"0\r\na: ", b"b" * 65536),
        (b"1;", b"a" * 65536),
        (b"", b"0" * 65536),
    ],
    ids=["trailers", "a long trailer", "a chunk's extension", "a chunk's size"],
)
def test_what_frames_a_body_is_bounded_as_headers_are(
    web: System, path: str, end: bytes, part: bytes
) -> None:
    before = memory(web)
    with closing(connect(web)) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + end)
        assert send_until_refused(connection, part, most=30 * MEGABYTE) < 20 * MEGABYTE
        status, headers, body = answer_of(connection)
    assert (status, code_of(body), headers["connection"]) == (431, "headers_too_large", "close")
    assert memory(web) - before < 20 * MEGABYTE


def test_trailers_are_no_headers(web: System) -> None:
    with closing(connect(web)) as connection:
        for _ in range(2):
            connection.sendall(
                b"POST /api/analytics/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\nhello\r\n0\r\ncontent-encoding: gzip\r\n\r\n"
            )
            status, _, body = answer_of(connection)
            assert (status, code_of(body)) == (400, "invalid_json")


def test_headers_are_measured_from_the_piece_in_which_the_request_before_ended(web: System) -> None:
    first = b"POST /api/analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
    large = b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(60))
    with closing(connect(web)) as connection:
        connection.sendall(first)
        time.sleep(0.2)
        connection.sendall(b"}GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + large)
        time.sleep(0.2)
        connection.sendall(b"x-last: %s\r\n\r\n" % (b"y" * 8000))
        connection.settimeout(5)
        receive(connection, until=b"headers_too_large")


def test_headers_below_the_limit_pass(web: System) -> None:
    answer = web.http.get("/healthz", headers={"x-large": "y" * 60_000})
    assert answer.json() == {"status": "ok"}


def test_silent_connections_are_closed(web: System) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(connect(web))) for _ in range(3)]
        for connection, said in zip(
            connections, (b"", b"\r\n", b"GET /healthz HTTP/1.1\r\nHost:"), strict=True
        ):
            connection.sendall(said)
        started = time.monotonic()
        for connection in connections:
            assert connection.recv(100) == b""
            assert 8 < time.monotonic() - started < 15


def test_connections_beyond_the_limit_get_503_and_are_logged(web: System) -> None:
    connections = [connect(web) for _ in range(110)]
    try:
        time.sleep(1)
        refused = 0
        for connection in connections:
            connection.settimeout(0.05)
            try:
                status, headers, body = answer_of(connection)
            except TimeoutError:
                continue
            assert (status, code_of(body), headers["retry-after"]) == (503, "busy", "2")
            refused += 1
        assert 10 <= refused <= 60  # of two processes with 50 each
    finally:
        for connection in connections:
            connection.close()
    web.wait_for(lambda: b"connections_refused" in web.log("web"), "the log line", seconds=5)
    web.wait_for(lambda: web.http.get("/healthz").status_code == 200, "room again", seconds=10)


def test_invalid_http_gets_400_in_the_error_shape(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        status, _, body = answer_of(connection)
    assert (status, code_of(body)) == (400, "bad_request")


@pytest.mark.parametrize("pieces", [1, 3, 40])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_offer_of_another_protocol_costs_no_body(web: System, pieces: int, framing: str) -> None:
    """As Java's client makes it with `h2c` by itself; twice, and then a request without it."""
    body = b'{"events": [{"type": "page_view", "conference_id": "test", "page": "/"}]}'
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
    )
    if framing == "length":
        framed = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    else:
        framed = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    start = b"POST /api/analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sent = 2 * (start + offer + framed) + start + framed
    with closing(connect(web)) as connection:
        size = -(-len(sent) // pieces)
        for at in range(0, len(sent), size):
            connection.sendall(sent[at : at + size])
            if pieces > 1:
                time.sleep(0.01)
        received = receive(connection, until=b'{"accepted":1,"rejected":[]', times=3)
    assert received.count(b"HTTP/1.1 202 ") == 3


def test_many_offers_at_once_are_all_answered(web: System) -> None:
    offer = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with closing(connect(web)) as connection:
        connection.sendall(offer * 300)
        assert receive(connection, until=b"HTTP/1.1 200 ", times=300)


def test_connect_is_no_offer(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        connection.settimeout(5)
        try:
            answer = connection.recv(65536)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 2")
    assert web.http.get("/healthz").status_code == 200


def test_the_event_door_takes_a_trailing_slash(web: System) -> None:
    batch = {"events": [{"type": "page_view", "conference_id": "test", "page": "/"}]}
    for path in ("/api/analytics/events", "/api/analytics/events/"):
        answer = web.http.post(path, json=batch)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def test_odd_query_bytes_and_headers_do_no_harm(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(b"GET /api/nothing?q=\xc3\xa4\xff HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status, _, body = answer_of(connection)
    assert status in (400, 404)
    assert code_of(body) in ("bad_request", "not_found")


def test_a_slow_upload_holds_no_thread(web: System) -> None:
    """Twenty slow clients, more than the threads of both processes, and one fast client."""
    head = b"POST /api/conferences HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    slow = [connect(web) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(head)
        started = time.monotonic()
        assert web.http.get("/api/nothing").status_code == 404
        assert time.monotonic() - started < 2
    finally:
        for connection in slow:
            connection.close()


def test_forwarded_addresses_are_not_believed(web: System) -> None:
    """Registrations are throttled by address. Without a proxy that is the connection's address."""
    answer = web.http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 404  # metrics show nothing to requests through a proxy
    assert web.http.get("/metrics").status_code == 200


def test_an_early_answer_ends_its_connection(web: System) -> None:
    """A client that kept it would send its next request into a connection that is about to be closed."""
    with closing(connect(web)) as connection:
        connection.sendall(
            b"POST /api/analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 3145728\r\n\r\n" + b" " * MEGABYTE
        )
        status, headers, body = answer_of(connection)
        assert (status, code_of(body), headers["connection"]) == (413, "too_large", "close")
        connection.sendall(b" " * MEGABYTE)
        connection.sendall(b" " * MEGABYTE)
        assert connection.recv(1) == b""


WHOLE_REQUEST = (
    b"POST /api/analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 5\r\n\r\nhello"
)


def test_an_answer_to_a_whole_request_keeps_its_connection(web: System) -> None:
    with closing(connect(web)) as connection:
        for _ in range(3):
            connection.sendall(WHOLE_REQUEST)
            status, headers, _ = answer_of(connection)
            assert (status, "connection" in headers) == (400, False)


def test_requests_that_are_sent_at_once_are_all_answered(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(3 * WHOLE_REQUEST)
        received = receive(connection, until=b"HTTP/1.1 400", times=3)
        assert received.count(b"HTTP/1.1 400") == 3


def test_head_is_answered_without_a_body(web: System) -> None:
    with closing(connect(web)) as connection:
        connection.sendall(b"HEAD /api/analytics/events HTTP/1.1\r\nHost: localhost\r\n\r\n" + WHOLE_REQUEST)
        received = receive(connection, until=b"invalid_json")
        first, _, rest = received.partition(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 405")
        assert rest.startswith(b"HTTP/1.1 400")


def test_an_idle_connection_is_closed_some_time_after_its_last_answer(web: System) -> None:
    """uvicorn's five seconds: its timer runs on from answer to answer."""
    with closing(connect(web)) as connection:
        for pause in (0, 3, 3):
            time.sleep(pause)
            connection.sendall(WHOLE_REQUEST)
            assert answer_of(connection)[0] == 400
        answered_at = time.monotonic()
        assert connection.recv(1) == b""
        assert time.monotonic() - answered_at > 4
