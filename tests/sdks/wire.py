"""What goes over the wire between an SDK and the system: handed on unchanged, and recorded."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec

_OF_A_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass
class Exchange:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    def decoded(self) -> Any:
        """The body as JSON, unpacked."""
        names = {name.lower(): value for name, value in self.headers.items()}
        is_packed = names.get("content-encoding") == "gzip"
        return msgspec.json.decode(gzip.decompress(self.body) if is_packed else self.body)


class Wire:
    """A server that hands requests on to `upstream`, and serves `pages` itself: (content, content type)."""

    def __init__(self, upstream: str = "") -> None:
        self.exchanges: list[Exchange] = []
        self.pages: dict[str, tuple[bytes, str]] = {}
        self._http = httpx.Client(base_url=upstream, timeout=30)
        wire = self

        class Handler(_Handler):
            wire_of_tests = wire

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.host = self.url.removeprefix("http://")
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def posts(self) -> list[Exchange]:
        return [exchange for exchange in list(self.exchanges) if exchange.method == "POST"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    def hand_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        kept = {name: value for name, value in headers.items() if name.lower() not in _OF_A_HOP}
        answer = self._http.request(method, path, content=body, headers=kept)
        self.exchanges.append(Exchange(method, path, headers, body, answer.status_code))
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire_of_tests: Wire

    def do_GET(self) -> None:
        content, kind = self.wire_of_tests.pages.get(self.path.partition("?")[0], (b"", ""))
        self._send(200 if kind else 404, {"content-type": kind or "text/plain"}, content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.wire_of_tests.hand_on(self.command, self.path, dict(self.headers.items()), body)
        headers = {name: value for name, value in answer.headers.items() if name not in _OF_A_HOP}
        self._send(answer.status_code, headers, answer.content)

    do_OPTIONS = do_POST

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass
