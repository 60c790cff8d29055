"""The bounded queue of messages for one socket. The connection ends when it overflows."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from enum import IntEnum
from typing import Any

# Messages that may wait for one client, some 100 KB. A client further behind is better off with a snapshot.
MAX_WAITING = 256
# How long a client that does not read may delay the orderly close of its connection.
CLOSE_SECONDS = 5.0

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Close(IntEnum):
    """The reason why the server ends a connection (docs/live.md says what a client does then)."""

    TRY_AGAIN = 1013  # too slow, or the server is unavailable
    BAD_MESSAGE = 4400
    CREDENTIALS_ENDED = 4401
    MEMBERSHIP_ENDED = 4403
    TOO_MANY_MESSAGES = 4429


class Outbox:
    """Messages for one socket in order. A task of its own sends them, so a slow socket delays no other.

    Numbered messages that the client already has, from its snapshot or an answer to `resync`, are left out.
    Until `begin` says what it has, all are held back.

    on_end: called once when the connection is given up without a close message to the client.
    """

    def __init__(
        self,
        send: Send,
        on_end: Callable[[], None],
        *,
        max_waiting: int = MAX_WAITING,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._send = send
        self._on_end = on_end
        self._max_waiting = max_waiting
        self._close_seconds = close_seconds
        self._waiting: deque[tuple[int, str]] = deque()
        self._wake = asyncio.Event()
        self._started = False
        self._sent_seq = 0
        self._close: Close | None = None
        self._sender = asyncio.create_task(self._run())

    @property
    def closing(self) -> bool:
        return self._close is not None

    def offer(self, text: str, *, seq: int = 0) -> None:
        """Queue a message. `seq` is 0 for one without a number. Never waits: a full queue ends the socket."""
        if self._close is not None:
            return
        if len(self._waiting) >= self._max_waiting:
            self.close(Close.TRY_AGAIN)
            return
        self._waiting.append((seq, text))
        if self._started:
            self._wake.set()

    def begin(self, texts: Sequence[str], *, seq: int) -> None:
        """Send a snapshot or the missed messages before all that wait. The client then has everything up to
        `seq`. Nothing is sent before the first call."""
        if self._close is None:
            self._waiting.extendleft((0, text) for text in reversed(texts))
            self._sent_seq = seq
            self._started = True
            self._wake.set()

    def close(self, code: Close) -> None:
        """End the connection without sending the waiting messages."""
        if self._close is None:
            self._close = code
            self._waiting.clear()
            self._wake.set()
            # If a client no longer reads, `_run` hangs in a send, even the send of the close.
            asyncio.get_running_loop().call_later(self._close_seconds, self.stop)

    def stop(self) -> None:
        """Give up at once."""
        if not self._sender.done():
            self._sender.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and self._close is None:
                    seq, text = self._waiting.popleft()
                    if seq == 0 or seq > self._sent_seq:
                        self._sent_seq = max(seq, self._sent_seq)
                        await self._send({"type": "websocket.send", "text": text})
                if self._close is not None:
                    await self._send({"type": "websocket.close", "code": int(self._close)})
                    return
        except (OSError, RuntimeError):
            pass  # the client is gone
        finally:
            self._on_end()
