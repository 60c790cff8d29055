"""A blocking socket client like a frontend's, for tests against real processes."""

import time
from contextlib import ExitStack
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.system import System


class LiveClient:
    """Collects the messages that arrive. `wait_for` reads until one matches."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []

    def read(self, *, seconds: float = 30) -> dict[str, Any]:
        message: dict[str, Any] = msgspec.json.decode(self.socket.recv(timeout=seconds))
        self.messages.append({**message, "arrived": time.monotonic()})
        return message

    def wait_for(self, *types: str, seconds: float = 30, **fields: Any) -> dict[str, Any]:
        """Return the next message of one of `types` whose fields have these values."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.read(seconds=max(0.01, deadline - time.monotonic()))
            if message["type"] in types and all(message.get(name) == fields[name] for name in fields):
                return message

    def read_for(self, seconds: float) -> list[dict[str, Any]]:
        """Return all messages that arrive within `seconds`."""
        deadline = time.monotonic() + seconds
        found = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                found.append(self.read(seconds=left))
            except TimeoutError:
                break
        return found

    def close_code(self, *, seconds: float = 30) -> int | None:
        """Read until the server closes. Returns its code."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.read(seconds=max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def resync(self, since: int) -> None:
        self.socket.send(msgspec.json.encode({"type": "resync", "since": since}).decode())


class OpenLive:
    """Opens sockets and closes them at the end of the test; the fixture `open_live`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(
        self, system: System, *, conference_id: str = "test", token: str | None = None, **options: Any
    ) -> LiveClient:
        """Open with an API token, unless `options` say otherwise. A refusal raises InvalidStatus."""
        headers = dict(options.pop("additional_headers", {}))
        if token is not None:
            headers["Authorization"] = f"Token {token}"
        url = f"ws://127.0.0.1:{system.port}/ws/conferences/{conference_id}/live"
        connection = connect(url, additional_headers=headers, proxy=None, **options)
        return LiveClient(self._stack.enter_context(connection))
