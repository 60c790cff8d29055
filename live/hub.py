"""The hub of a web process: it follows the logs of the conferences that its sockets watch.

A message is read from Redis and rendered once per process, not once per socket. The channel layer only
says when to look. A look every quarter of a second covers lost wake-ups and notices that PV changed.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import timezone
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conferences.models import Conference
from live import groups, log, publish, selectors
from live.auth import Credential, find_ended
from live.outbox import Outbox
from meeteasy.core.logs import get_logger
from meeteasy.core.redis import connect_async

logger = get_logger(__name__)

TICK_SECONDS = 0.25
_WATCH_AGAIN_SECONDS = groups.WATCHED_SECONDS / 6
# Sockets that open at the same moment share one snapshot and then get the messages since.
_SNAPSHOT_SECONDS = 0.5
# A client that missed more messages than this gets a snapshot instead.
_MAX_MISSED = 200
# Messages per read. It is less than an outbox holds, because the senders only run between two reads.
_READ_AT_ONCE = 100
_PASSING = (RedisError, OSError, TimeoutError)

_Entries = list[tuple[bytes, dict[bytes, bytes]]]


class Watch:
    """A conference that a socket of this process watches."""

    def __init__(self, conference_id: str) -> None:
        self.conference_id = conference_id
        self.sockets: dict[Outbox, Credential] = {}
        self.seq = 0  # of the last message that was handed out
        self.opened = False
        self.opening = asyncio.Lock()
        self.snapshot: tuple[float, int, str] | None = None  # time (monotonic), number, text
        self.snapshot_lock = asyncio.Lock()
        self.wake = asyncio.Event()
        self.recheck = False
        self.behind = False  # Redis is away, or was until now
        self.task: asyncio.Task[None] | None = None
        self.side_tasks: dict[str, asyncio.Task[None]] = {}

    def offer(self, text: str, *, seq: int = 0) -> None:
        for outbox in list(self.sockets):
            outbox.offer(text, seq=seq)

    def aside(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a slow task beside the stream of messages, unless it is already running."""
        running = self.side_tasks.get(name)
        if running is None or running.done():
            self.side_tasks[name] = asyncio.create_task(_run_aside(name, work))

    def is_busy_with(self, name: str) -> bool:
        task = self.side_tasks.get(name)
        return task is not None and not task.done()

    def stop(self) -> None:
        for task in (self.task, *self.side_tasks.values()):
            if task is not None:
                task.cancel()


async def _run_aside(name: str, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception as error:  # it will be tried again
        logger.warning("live_side_task_failed", task=name, error=repr(error))


class Hub:
    """All methods are called on the server's event loop."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._redis: Redis | None = None
        self._channel: str | None = None
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Lock()
        self._name = uuid.uuid4().hex  # of this process, for the count of sockets

    async def join(self, conference_id: str, outbox: Outbox, credential: Credential) -> None:
        """Send the socket a snapshot and all later messages until `leave`, which must always be called.

        Raises a RedisError, OSError or TimeoutError if the snapshot is not available now.
        """
        watch = self._watches.get(conference_id)
        if watch is None:
            watch = self._watches[conference_id] = Watch(conference_id)
        watch.sockets[outbox] = credential
        async with watch.opening:
            if not watch.opened:
                await self._open(watch)
        await self._send_snapshot(watch, outbox)

    def leave(self, conference_id: str, outbox: Outbox) -> None:
        watch = self._watches.get(conference_id)
        if watch is not None and outbox in watch.sockets:
            del watch.sockets[outbox]
            if not watch.sockets:
                del self._watches[conference_id]
                watch.stop()

    async def resync(self, conference_id: str, outbox: Outbox, *, since: int) -> None:
        """Send the messages after number `since`, or a snapshot if the log does not reach back that far."""
        entries = await self._read(conference_id, min=f"{since}-0", count=_MAX_MISSED + 2)
        numbers = [log.seq_of(entry_id) for entry_id, _ in entries]
        # The first entry must be message `since` itself: it proves that none is missing after it.
        if 0 < len(numbers) <= _MAX_MISSED + 1 and numbers == list(range(since, since + len(numbers))):
            outbox.begin(_render(entries[1:]), seq=numbers[-1])
        elif watch := self._watches.get(conference_id):
            await self._send_snapshot(watch, outbox)

    async def stop(self) -> None:
        """Stop following. The stopping server calls this, and closes the sockets itself."""
        for watch in self._watches.values():
            watch.stop()
        self._watches.clear()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _client(self) -> "Redis":
        if self._redis is None:
            self._redis = connect_async(timeout=5)
        return self._redis

    async def _read(self, conference_id: str, **span: Any) -> _Entries:
        return await self._client().xrange(log.key(conference_id), **span) or []  # type: ignore[return-value]

    # --- Following a conference --------------------------------------------------------------------------

    async def _open(self, watch: Watch) -> None:
        """Open a watch before its first snapshot. From here on `_follow` hands out what publishers send."""
        await self._say_watched(watch)
        watch.seq = await database_sync_to_async(log.last_seq)(watch.conference_id)
        async with self._listening:
            layer = get_channel_layer()
            if self._listener is None:
                self._channel = await layer.new_channel()
                self._listener = asyncio.create_task(self._listen(layer, self._channel))
        await layer.group_add(groups.group_name(watch.conference_id), self._channel)
        watch.opened = True
        watch.task = asyncio.create_task(self._follow(watch))

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            watch = self._watches.get(message["conference_id"])
            if watch is None:
                await layer.group_discard(groups.group_name(message["conference_id"]), channel)
                continue
            if message["type"] == groups.RECHECK:
                watch.recheck = True
            watch.wake.set()

    async def _follow(self, watch: Watch) -> None:
        heartbeat_due = time.monotonic() + settings.LIVE_HEARTBEAT_SECONDS
        recheck_due = time.monotonic() + settings.LIVE_RECHECK_SECONDS
        watch_due = time.monotonic() + _WATCH_AGAIN_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await watch.wake.wait()
            watch.wake.clear()
            now = time.monotonic()
            try:
                if watch.behind or now >= watch_due:
                    await self._say_watched(watch)
                    watch_due = now + _WATCH_AGAIN_SECONDS
                if watch.behind:
                    # Publishers may have failed while Redis was away.
                    await self._renew(watch)
                await self._hand_out(watch)
            except _PASSING as error:
                if not watch.behind:
                    logger.warning("live_redis_lost", conference_id=watch.conference_id, error=str(error))
                    heartbeat_due = now  # says so at once
                watch.behind = True
            except Conference.DoesNotExist:
                watch.recheck = True  # it has no members left
            if now >= heartbeat_due:
                heartbeat_due = now + settings.LIVE_HEARTBEAT_SECONDS
                watch.offer(_heartbeat(watch))
                # No event says that visitors leave or that midnight passes.
                watch.aside("pv", lambda: self._publish_pv(watch))
            if now >= recheck_due or watch.recheck:
                recheck_due = now + settings.LIVE_RECHECK_SECONDS
                watch.recheck = watch.is_busy_with("recheck")
                watch.aside("recheck", lambda: self._close_ended(watch))

    async def _say_watched(self, watch: Watch) -> None:
        pipeline = self._client().pipeline(transaction=False)
        pipeline.zadd(groups.WATCHED, {watch.conference_id: time.time() + groups.WATCHED_SECONDS})
        pipeline.zremrangebyscore(groups.WATCHED, "-inf", time.time())
        groups.note_sockets(pipeline, self._name, sum(len(each.sockets) for each in self._watches.values()))
        await pipeline.execute()

    async def _hand_out(self, watch: Watch) -> None:
        """Pass on new messages, and have PV counted if it changed."""
        conference_id = watch.conference_id
        pipeline = self._client().pipeline(transaction=False)
        pipeline.xrange(log.key(conference_id), min=f"({watch.seq}-0", count=_READ_AT_ONCE)
        pipeline.mget(log.key(conference_id, "pv"), log.key(conference_id, "pv:shown"))
        entries, (changed, shown) = await pipeline.execute()
        for entry_id, fields in entries:
            seq = log.seq_of(entry_id)
            if seq != watch.seq + 1:
                await self._renew(watch)
                return
            watch.offer(log.render(seq, fields[b"m"]), seq=seq)
            watch.seq = seq
        if len(entries) == _READ_AT_ONCE:
            watch.wake.set()
        if changed is not None and changed != shown:
            watch.aside("pv", lambda: self._publish_pv(watch))

    async def _renew(self, watch: Watch) -> None:
        """Send every socket a new snapshot, because messages were lost."""
        watch.snapshot = None
        seq, text = await self._snapshot(watch)
        watch.seq = seq
        watch.behind = False
        for outbox in list(watch.sockets):
            outbox.begin([text], seq=seq)

    async def _publish_pv(self, watch: Watch) -> None:
        await database_sync_to_async(publish.publish_pv)(watch.conference_id)

    async def _close_ended(self, watch: Watch) -> None:
        sockets = dict(watch.sockets)
        ended = await database_sync_to_async(find_ended)(watch.conference_id, set(sockets.values()))
        for outbox, credential in sockets.items():
            if credential in ended:
                outbox.close(ended[credential])

    # --- Snapshots ---------------------------------------------------------------------------------------

    async def _send_snapshot(self, watch: Watch, outbox: Outbox) -> None:
        """Send a snapshot and the messages since its number. A shared snapshot may be a moment old."""
        seq, text = await self._snapshot(watch)
        since = await self._read(watch.conference_id, min=f"({seq}-0")
        outbox.begin([text, *_render(since)], seq=log.seq_of(since[-1][0]) if since else seq)

    async def _snapshot(self, watch: Watch) -> tuple[int, str]:
        async with watch.snapshot_lock:
            now = time.monotonic()
            if watch.snapshot is None or now - watch.snapshot[0] > _SNAPSHOT_SECONDS:
                seq, body = await database_sync_to_async(selectors.build_snapshot)(watch.conference_id)
                watch.snapshot = now, seq, log.render(seq, msgspec.json.encode(body))
            return watch.snapshot[1:]


def _render(entries: _Entries) -> list[str]:
    return [log.render(log.seq_of(entry_id), fields[b"m"]) for entry_id, fields in entries]


def _heartbeat(watch: Watch) -> str:
    """Send a heartbeat. `behind` says that the server cannot read new messages, so figures may be old."""
    return msgspec.json.encode(
        {
            "type": "heartbeat",
            "at": timezone.now().isoformat(),
            "last_seq": watch.seq,
            "behind": watch.behind,
        }
    ).decode()


hub = Hub()
