"""A loopback server that speaks the protocol of OpenAI's chat completions, and fails as told."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROSE = {
    "lead": "An evening about open events.",
    "sections": [{"heading": "What to expect", "paragraphs": ["Talks and time to meet."]}],
    "faq": [{"question": "Is there food?", "answer": "Yes, in the foyer."}],
    "order": ["venue", "text"],
}


def completion(content: Any, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return {
        "choices": [{"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    }


class ModelServer:
    """`answers` are given one after the other, the last one again and again.

    An answer: a dict (status 200), a (status, dict, headers) or "drip" (a byte every 0.1 s, without end).
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers) or [completion(PROSE)]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        server = self
        self._stopping = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append(json.loads(body))
                server.headers.append(dict(self.headers))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                if answer == "drip":
                    server._drip(self)
                    return
                status, content, headers = answer if isinstance(answer, tuple) else (200, answer, {})
                data = json.dumps(content).encode() if not isinstance(content, bytes) else content
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not self._stopping.is_set():
                handler.wfile.write(b" ")
                time.sleep(0.1)
        except OSError:
            pass  # the client went away

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
