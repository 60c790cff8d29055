"""A small server for pages and events, which records what the SDK sends and can misbehave."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

DIST = Path(__file__).resolve().parent.parent.parent / "webapi" / "dist"
EVENTS_PATH = "/api/analytics/events"


@dataclass
class Answer:
    """What the server says to a request: after `delay` seconds, or nothing at all (`hang_up`)."""

    status: int = 202
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    hang_up: bool = False


@dataclass
class Sent:
    """One request with events, as it was on the wire. `ended` is None while it has no answer yet."""

    body: bytes
    headers: dict[str, str]
    started: float
    ended: float | None = None
    status: int | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)["events"]
        return found

    @property
    def ids(self) -> list[str]:
        return [event["event_id"] for event in self.events]


class RecordingServer:
    """Serves `pages` by path and the built SDK below /sdk/, and answers requests with events by `answer`.

    answer: what to say to a request; None: take it, or hand it on to `upstream`, a real system's address.
    """

    def __init__(self, upstream: str | None = None) -> None:
        self.pages: dict[str, str] = {}
        self.page_headers: dict[str, str] = {}
        self.blocked: set[str] = set()  # paths that are not answered at all
        self.held_back: dict[str, threading.Event] = {}  # paths that are answered once their event is set
        self.requests: list[Sent] = []
        self.answer: Callable[[Sent], Answer | None] = lambda sent: None
        self.upstream = upstream
        self._lock = threading.Lock()
        self._http = httpx.Client(timeout=30)
        recorder = self

        class Handler(_Handler):
            server_of_tests = recorder

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Each event as often as it was on the wire."""
        return [event for sent in list(self.requests) for event in sent.events]

    def of_type(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]

    def take(self, body: bytes, headers: dict[str, str]) -> Answer:
        sent = Sent(body, headers, time.monotonic())
        with self._lock:
            self.requests.append(sent)
        answer = self.answer(sent)
        if answer is None:
            answer = self._hand_on(sent) if self.upstream else _taken(sent)
        if answer.delay:
            time.sleep(answer.delay)
        sent.ended, sent.status = time.monotonic(), answer.status
        return answer

    def _hand_on(self, sent: Sent) -> Answer:
        names = ("content-type", "user-agent")
        headers = {name: sent.headers[name] for name in names if name in sent.headers}
        answer = self._http.post(f"{self.upstream}{EVENTS_PATH}", content=sent.body, headers=headers)
        kept = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
        return Answer(answer.status_code, answer.text, kept)


def _taken(sent: Sent) -> Answer:
    return Answer(202, {"accepted": len(sent.events), "rejected": []})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_tests: RecordingServer

    def do_GET(self) -> None:
        recorder = self.server_of_tests
        path = self.path.partition("?")[0]
        if path in recorder.held_back:
            recorder.held_back[path].wait(20)
        if path in recorder.blocked:
            self.close_connection = True
            return
        if path.startswith("/sdk/"):
            self._send(200, (DIST / path.removeprefix("/sdk/")).read_bytes(), "text/javascript")
        elif path in recorder.pages:
            kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
            self._send(200, recorder.pages[path].encode(), kind, recorder.page_headers)
        else:
            self._send(404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server_of_tests.take(body, headers)
        if answer.hang_up:
            self.close_connection = True
            self.connection.close()
            return
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        with contextlib.suppress(OSError):  # the page is gone
            self._send(answer.status, text.encode(), "application/json", answer.headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        all_headers = {
            "content-type": kind,
            "content-length": str(len(body)),
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "retry-after",
            **(headers or {}),
        }
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass
