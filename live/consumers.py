"""`ws/conferences/<id>/live`: lets members in, and connects their socket to the hub. docs/live.md has the
protocol."""

import asyncio
import time
from typing import Any

import msgspec
from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from redis.exceptions import RedisError

from live import auth
from live.hub import hub
from live.outbox import Close, Outbox

# A client may ask when it missed something, but not more often than this.
_ASKED_AT_ONCE = 10
_ASKS_PER_SECOND = 1.0
_MAX_MESSAGE_BYTES = 1024


class _Resync(msgspec.Struct, tag="resync", tag_field="type"):
    since: int


_read = msgspec.json.Decoder(_Resync).decode


class LiveConsumer(AsyncConsumer):  # type: ignore[misc]
    """One socket. It has no channel of its own, because the hub listens to the channel layer for all of a
    process's sockets."""

    channel_layer_alias = "none"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.conference_id = scope["url_route"]["kwargs"]["conference_id"]
        self.outbox: Outbox | None = None
        self.given_up = asyncio.Event()
        self.may_ask, self.asked_at = float(_ASKED_AT_ONCE), time.monotonic()

        async def receive_or_end() -> Any:
            """Return the next message of the client, or a disconnect once the outbox has given up."""
            waits = [asyncio.ensure_future(receive()), asyncio.ensure_future(self.given_up.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                return waits[0].result() if waits[0].done() else {"type": "websocket.disconnect"}
            finally:
                for wait in waits:
                    wait.cancel()

        try:
            await super().__call__(scope, receive_or_end, send)
        finally:
            if self.outbox is not None:
                hub.leave(self.conference_id, self.outbox)
                self.outbox.stop()

    async def websocket_connect(self, message: Any) -> None:
        credential = await database_sync_to_async(auth.open_for)(self.scope, self.conference_id)
        if credential is None:
            await self.base_send({"type": "websocket.close"})  # before accept: HTTP 403
            raise StopConsumer
        offered = self.scope.get("subprotocols", [])
        chosen = auth.SUBPROTOCOL if auth.SUBPROTOCOL in offered else None
        await self.base_send({"type": "websocket.accept", "subprotocol": chosen})
        self.outbox = Outbox(self.base_send, self.given_up.set)
        try:
            await hub.join(self.conference_id, self.outbox, credential)
        except (RedisError, OSError, TimeoutError):
            self.outbox.close(Close.TRY_AGAIN)

    async def websocket_receive(self, message: Any) -> None:
        outbox = self.outbox
        if outbox is None or outbox.closing:
            return
        now = time.monotonic()
        self.may_ask = min(_ASKED_AT_ONCE, self.may_ask + (now - self.asked_at) * _ASKS_PER_SECOND)
        self.asked_at = now
        if self.may_ask < 1:
            outbox.close(Close.TOO_MANY_MESSAGES)
            return
        self.may_ask -= 1
        text = message.get("text") or ""
        try:
            if len(text) > _MAX_MESSAGE_BYTES:
                raise msgspec.ValidationError("too long")
            since = _read(text.encode()).since
        except (msgspec.DecodeError, UnicodeEncodeError):
            outbox.close(Close.BAD_MESSAGE)
            return
        try:
            await hub.resync(self.conference_id, outbox, since=min(max(since, 0), 2**53))
        except (RedisError, OSError, TimeoutError):
            outbox.close(Close.TRY_AGAIN)

    async def websocket_disconnect(self, message: Any) -> None:
        raise StopConsumer


class Refuse(AsyncConsumer):  # type: ignore[misc]
    """Refuses any other address in the handshake."""

    channel_layer_alias = "none"

    async def websocket_connect(self, message: Any) -> None:
        await self.base_send({"type": "websocket.close"})
        raise StopConsumer
