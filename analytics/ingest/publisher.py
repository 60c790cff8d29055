"""Append batches to the stream, in groups without a timer; refuse at once what cannot be taken.

While one group is on its way to Redis, the batches of other requests collect in the next group. When no group
is under way, a batch is sent at once. So a lone request does not wait, and under load a group carries dozens
of requests. Each request is answered after Redis has confirmed its group.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from analytics.event_types import EventType
from analytics.events.batch import Batch
from analytics.ingest.exchange import Command, Exchange, find_refusal
from analytics.ingest.visitor import DailySalts
from analytics.stream.entry import MAX_EVENTS, encode_batch, encode_batches
from analytics.stream.queue import BELL, BELL_TTL_MS, STREAM
from meeteasy.core.logs import Tally, get_logger

log = get_logger(__name__)

POLL_SECONDS = 0.5
# What may wait in this process while a group is under way: seconds of full load.
MAX_WAITING_BYTES = 16 * 1024 * 1024
# Batches share an entry of the stream up to this size: workers read entries by number.
MAX_ENTRY_BYTES = 512 * 1024
# Beyond this part of Redis's maxmemory the stream counts as full, too: its size is only an estimate from a
# few entries, and Celery's messages need the rest.
MAX_REDIS_PERCENT = 80
# How long Redis may take to confirm a group. A client can send again, but cannot wait for ever.
SEND_SECONDS = 2.0

_STREAM = STREAM.encode()
_RING_UNLESS_RUNG: Command = (b"SET", BELL.encode(), b"1", b"NX", b"PX", BELL_TTL_MS)


class NotTakenError(Exception):
    """The batch was refused; the client may send it again. `code` is one of the API's error codes."""

    def __init__(self, code: str, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_seconds = retry_after_seconds


def _broker_away() -> NotTakenError:
    message = "The event queue cannot be reached. It may have the batch: send it again with the same ids."
    return NotTakenError("broker_unavailable", message, retry_after_seconds=2)


def _queue_full() -> NotTakenError:
    message = "Too many events are waiting to be stored; nothing was taken. Send the batch again later."
    return NotTakenError("queue_full", message, retry_after_seconds=5)


class Rider(Protocol):
    """Something that has commands of its own sent along each POLL_SECONDS."""

    def commands(self, now: dt.datetime) -> list[Command]: ...

    def take(self, replies: list[Any]) -> None:
        """The replies to the commands, if Redis answered."""


class _Group:
    """Batches that go to Redis together, and the requests that wait for the outcome.

    Each request has its own future, so cancelling one does not affect the others.
    """

    def __init__(self) -> None:
        self._batches: list[tuple[bytes, int]] = []  # with the number of its events
        self._waiting: list[asyncio.Future[None]] = []
        self._create_future = asyncio.get_running_loop().create_future
        self._size = 0

    @property
    def is_full(self) -> bool:
        return self._size > MAX_WAITING_BYTES

    def join(self, batch: bytes, events: int) -> "asyncio.Future[None]":
        self._batches.append((batch, events))
        self._size += len(batch)
        outcome: asyncio.Future[None] = self._create_future()
        self._waiting.append(outcome)
        return outcome

    def entries(self) -> Iterator[list[bytes]]:
        """Yield the batches of each entry; a batch above the limit gets its own entry."""
        together: list[bytes] = []
        events = size = 0
        for batch, more in self._batches:
            if together and (events + more > MAX_EVENTS or size + len(batch) > MAX_ENTRY_BYTES):
                yield together
                together, events, size = [], 0, 0
            together.append(batch)
            events += more
            size += len(batch)
        yield together

    def settle(self, error: NotTakenError | None = None) -> None:
        for outcome in self._waiting:
            if outcome.done():
                continue  # its request was cancelled
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)


class StreamPublisher:
    """Appends events to the stream. One per web process and event loop.

    ring: sends the wake-up to the workers; called in a thread, as Celery's publishing blocks.
    max_bytes: beyond this much memory the stream counts as full, until it is down to 9/10 of it. It also
        counts as full beyond MAX_REDIS_PERCENT of Redis's memory limit, if there is one.
    """

    def __init__(self, redis: "Redis", *, ring: Callable[[], None], max_bytes: int) -> None:
        self.salts = DailySalts()
        self.taken = Tally(log, "events_taken")
        self.riders: Sequence[Rider] = ()
        self._redis = redis
        self._exchange = Exchange(redis, timeout_seconds=SEND_SECONDS)
        self._ring = ring
        self._max_bytes = max_bytes
        self._reachable = False
        self._full = False
        self._group: _Group | None = None
        self._flushing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._look()
        self._poller = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Wait for the groups under way, then close the connection."""
        if self._poller:
            self._poller.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._exchange.close()
        await self._redis.aclose()

    def refusal(self) -> NotTakenError | None:
        """Why a batch would be refused right now; None if it would be taken."""
        if not self._reachable:
            return _broker_away()
        if self._full or (self._group is not None and self._group.is_full):
            return _queue_full()
        return None

    def publish(self, batch: Batch[EventType]) -> "asyncio.Future[None]":
        """Append a batch of at most MAX_EVENTS events; the future is done when Redis has it.

        The call or the future raises NotTakenError.
        """
        refusal = self.refusal()
        if refusal is not None:
            raise refusal
        # Encoded alone, so that a failure costs only its own request; bytes also take less memory.
        encoded = encode_batch(batch)
        group = self._group
        if group is None:
            group = self._group = _Group()
        outcome = group.join(encoded, len(batch.events))
        if not self._flushing:
            self._flushing = True
            self._spawn(self._flush())
        return outcome

    async def _flush(self) -> None:
        """Send group after group until no batch is left.

        When Redis does not take a group, the one that waited for it is refused, too: it would only run into
        the same time-out.
        """
        error: NotTakenError | None = None
        try:
            while self._group is not None:
                group, self._group = self._group, None
                try:
                    if error is None:
                        await self._send(group.entries())
                except NotTakenError as not_taken:
                    error = not_taken
                except BaseException:
                    group.settle(_broker_away())
                    raise
                group.settle(error)
        finally:
            self._flushing = False
            if self._group is not None:  # only after an unforeseen error
                waiting, self._group = self._group, None
                waiting.settle(_broker_away())

    async def _send(self, entries: Iterable[list[bytes]]) -> None:
        commands: list[Command] = [
            (b"XADD", _STREAM, b"*", *chain.from_iterable(encode_batches(batches).items()))
            for batches in entries
        ]
        if len(commands) > 1:  # all or nothing, in case Redis runs full before the last of them
            commands = [(b"MULTI",), *commands, (b"EXEC",)]
        try:
            *appended, has_rung = await self._exchange.send([*commands, _RING_UNLESS_RUNG])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("broker_lost", error=str(error))
            self._reachable = False
            raise _broker_away() from error
        if has_rung and not isinstance(has_rung, ResponseError):
            self._spawn(self._ring_in_thread())
        refusal = find_refusal(appended)
        if refusal is not None:
            # "OOM command not allowed": Redis has reached its maxmemory. Nothing was appended.
            log.warning("events_refused_by_broker", error=str(refusal))
            self._full = True
            raise _queue_full() from refusal

    async def _ring_in_thread(self) -> None:
        try:
            await asyncio.to_thread(self._ring)
        except Exception as error:
            # The entries are safe; beat's tick replaces the lost bell.
            log.warning("wake_up_not_sent", error=str(error))

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.taken.add()  # logs the sums that are due
            await self._look()

    async def _look(self) -> None:
        """Check that Redis answers, and its memory and the stream's; load salts, send riders' commands."""
        try:
            now = dt.datetime.now(dt.UTC)
            await self.salts.load(self._redis, now)
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.memory_usage(STREAM)
            pipeline.info("memory")
            riders = [(rider, rider.commands(now)) for rider in self.riders]
            for command in chain.from_iterable(commands for _, commands in riders):
                pipeline.execute_command(*command)
            used, memory, *replies = await pipeline.execute()
            for rider, commands in riders:
                rider.take(replies[: len(commands)])
                del replies[: len(commands)]
        except (RedisError, OSError, TimeoutError) as error:
            if self._reachable:
                log.warning("broker_lost", error=str(error))
            self._reachable = False
            return
        if not self._reachable:
            log.info("broker_reached")
        self._reachable = True
        was_full = self._full
        used = used or 0
        redis_used, redis_limit = memory["used_memory"], memory.get("maxmemory", 0) * MAX_REDIS_PERCENT // 100
        margin = 9 if was_full else 10
        self._full = used > self._max_bytes * margin // 10 or 0 < redis_limit * margin // 10 < redis_used
        if self._full != was_full:
            log.warning(
                "event_queue_full" if self._full else "event_queue_has_room",
                bytes=used,
                redis_bytes=redis_used,
            )

    def _spawn(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(coroutine)  # type: ignore[arg-type]
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None:
                log.error("publisher_task_failed", error=repr(error))
