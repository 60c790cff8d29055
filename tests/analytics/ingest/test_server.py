"""Bad input against the real server: the answer reaches the client, and no log has a traceback."""

import gzip
import socket

import httpx
import pytest

from analytics.ingest.app import PATH
from tests.analytics.ingest.test_validation import BAD_EVENTS, GOOD
from tests.support.system import System


def exchange(system: System, request: bytes, *, hang_up: bool = False) -> bytes:
    """Send raw bytes. Returns the answer until the server closes or is silent for 5 s."""
    with socket.create_connection(("127.0.0.1", system.port), timeout=5) as connection:
        connection.sendall(request)
        if hang_up:
            return b""
        answer = b""
        try:
            while b"}" not in answer and (piece := connection.recv(65536)):
                answer += piece
        except TimeoutError:
            pass
        return answer


@pytest.mark.processes
def test_bad_input_gets_named_errors_and_logs_none(system: System) -> None:
    system.start("web")
    headers = {"Content-Type": "application/json"}

    def post(content: bytes, **more: str) -> httpx.Response:
        return system.http.post(PATH, content=content, headers={**headers, **more})

    for label, event, code, _ in BAD_EVENTS:
        answer = post(b'{"events": [' + GOOD + b"," + event + b"]}")
        assert answer.status_code == 202, label
        assert [item["code"] for item in answer.json()["rejected"]] == [code]

    batch = b'{"events": [' + GOOD + b"]}"
    statuses = {
        "not JSON": post(b"hello").status_code,
        "600 KiB": post(b" " * 600 * 1024).status_code,
        "5 MiB": post(b" " * 5 * 1024 * 1024).status_code,
        "600 KiB in pieces": system.http.post(
            PATH, content=iter([b" " * 65536] * 10), headers=headers
        ).status_code,
        "501 events": post(b'{"events": [' + b",".join([GOOD] * 501) + b"]}").status_code,
        "bad gzip": post(batch, **{"Content-Encoding": "gzip"}).status_code,
        "bomb": post(gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"}).status_code,
        "deep": post(b'{"events": ' + b"[" * 200_000).status_code,
        "form": post(batch, **{"Content-Type": "multipart/form-data"}).status_code,
        "GET": system.http.get(PATH).status_code,
        "slash": system.http.post(f"{PATH}/", content=batch, headers=headers).status_code,
        "good": post(batch).status_code,
    }
    assert statuses == {
        "not JSON": 400,
        "600 KiB": 413,
        "5 MiB": 413,
        "600 KiB in pieces": 413,
        "501 events": 413,
        "bad gzip": 400,
        "bomb": 413,
        "deep": 400,
        "form": 415,
        "GET": 405,
        "slash": 202,
        "good": 202,
    }

    start = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    for content_length in (b"9" * 30, b"9" * 5000, b"-5", b"ten"):
        exchange(system, start + b"Content-Length: " + content_length + b"\r\n\r\n{}")
    exchange(system, start + b"Content-Length: 500\r\n\r\n" + batch, hang_up=True)
    exchange(system, start + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    agent = b"User-Agent: caf\xe9 \xff\xfe\r\nContent-Length: %d\r\n\r\n" % len(batch)
    assert b" 202 " in exchange(system, start + agent + batch).split(b"\r\n")[0]

    # A refusal before the upload has ended leaves the connection usable.
    for _ in range(3):
        assert post(b" " * 2_000_000).status_code == 413
        assert post(batch).status_code == 202
    assert b"Traceback" not in system.log("web")
    assert b" 500 " not in system.log("web")
