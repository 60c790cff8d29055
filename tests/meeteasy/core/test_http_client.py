"""The outbound client: which addresses it refuses, and how it ends endless answers."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from meeteasy.core import http_client
from meeteasy.core.http_client import OutboundError, PrivateAddressError, request
from tests.support.services import free_port


class Handler(BaseHTTPRequestHandler):
    release = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/gzip":
            body = gzip.compress(b"hello")
            self.send_header("Content-Encoding", "gzip")
        else:
            body = b"x" * 100 if self.path == "/large" else b"hello"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/slow":
            self.release.wait(20)
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.release.clear()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}"
    Handler.release.set()
    http.shutdown()
    http.server_close()


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "[::1]", "[fd00::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(OutboundError) as caught:
        request("GET", f"http://{host}/", timeout_seconds=2)
    assert isinstance(caught.value, PrivateAddressError)
    assert not caught.value.reached


@pytest.mark.usefixtures("allowed")
def test_a_host_named_in_the_settings_may_be_private(server: str) -> None:
    assert request("GET", f"{server}/").text == "hello"
    assert request("GET", f"{server}/gzip").text == "hello"


@pytest.mark.usefixtures("allowed")
def test_a_redirect_is_returned_and_not_followed(server: str) -> None:
    assert request("GET", f"{server}/redirect").status_code == 302


@pytest.mark.usefixtures("allowed")
def test_an_answer_that_is_too_large_is_cut_off(server: str) -> None:
    with pytest.raises(OutboundError) as caught:
        request("GET", f"{server}/large", max_answer_bytes=99)
    assert caught.value.reached


@pytest.mark.usefixtures("allowed")
def test_a_slow_server_may_have_received_the_request(server: str) -> None:
    with pytest.raises(OutboundError) as caught:
        request("GET", f"{server}/slow", timeout_seconds=0.3)
    assert caught.value.reached


@pytest.mark.usefixtures("allowed")
def test_a_server_that_is_down_received_nothing() -> None:
    with pytest.raises(OutboundError) as caught:
        request("GET", f"http://127.0.0.1:{free_port()}/")
    assert not caught.value.reached


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "nonsense", "http://"])
def test_an_invalid_web_address_is_refused(url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        request("GET", url)
    assert not caught.value.reached


def test_only_the_checked_address_is_dialled(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when checked and private when dialled (DNS rebinding) gains nothing."""
    looked_up: list[str] = []

    def answer(host: str, port: int, **options: Any) -> list[Any]:
        looked_up.append(host)
        address = "192.0.2.1" if len(looked_up) > 1 else "127.0.0.1"
        return [(0, 0, 0, "", (address, port))]

    monkeypatch.setattr(http_client.socket, "getaddrinfo", answer)
    with pytest.raises(PrivateAddressError):
        request("GET", "http://rebinding.test/", timeout_seconds=2)
    assert looked_up == ["rebinding.test"]
