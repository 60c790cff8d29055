"""A loopback server that takes what is sent to Sentry or to a collector, and a process that sends."""

import gzip
import os
import subprocess
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.support.system import ROOT

# What must not leave: of the person, and of whoever acts for them.
PERSONAL = (
    "ann@example.com", "visitor-4711", "203.0.113.9", "tok-secret", "link-secret", "cookie-secret",
    "Ann Amsel", "summit-of-ann",
)  # fmt: skip

# A request with all of it: in the address, the query, headers, the body, and in the text of the exception.
BROKEN_REQUEST = """
from django.test import Client
from django.urls import path
import meeteasy.urls

def broken(request, token):
    visitor_id = "visitor-4711"
    raise ValueError(f"Key (email)=(ann@example.com) of {visitor_id} exists")

def fine(request, token):
    from django.http import HttpResponse
    on_request()
    return HttpResponse("ok")

def on_request(): pass

meeteasy.urls.urlpatterns[:0] = [
    path("broken/<str:token>/", broken, name="broken"), path("fine/<str:token>/", fine, name="fine"),
]

def ask(name):
    client = Client(raise_request_exception=False, REMOTE_ADDR="203.0.113.9")
    client.cookies["sessionid"] = "cookie-secret"
    return client.post(
        f"/{name}/link-secret/?visitor_id=visitor-4711", {"email": "ann@example.com", "name": "Ann Amsel"},
        headers={
            "Authorization": "Token tok-secret", "X-Forwarded-For": "203.0.113.9",
            "X-Request-ID": "request-0815", "Referer": "https://example.com/summit-of-ann",
        },
    )
"""


class Receiver:
    """Collects the bodies of all posts, unpacked, with their paths. Answers 200."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                match self.headers.get("Content-Encoding"):
                    case "gzip":
                        body = gzip.decompress(body)
                    case "deflate":
                        body = zlib.decompress(body)
                taken.append((self.path, body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def everything(self) -> str:
        return "\n".join(body.decode("utf-8", "replace") for _path, body in self.taken)


def run(code: str, **environment: str) -> str:
    """Run code in a process of this project. Returns what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", BROKEN_REQUEST + code],
        cwd=ROOT, env={**os.environ, "ALLOWED_HOSTS": "testserver", **environment},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
