"""The Redis stream of events: its keys, its consumer group, and the bell that wakes a worker.

Web processes append entries. Workers share them by consumer group and delete what they have stored and
reacted to, so the stream's size is the backlog. docs/adr/0003 says why this is a stream with a wake-up and
not a Celery message per batch.

The bell: after appending, a process sets a key unless it exists, and sends a Celery message only if it set
it. A drain deletes the key before its first read. So that drain reads the entries appended before the
deletion, and one appended later rings again: every entry has a drain to come. If Celery loses a message, the
key's expiry and beat's tick make up for it.
"""

import datetime as dt
import math
import os
import socket
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from meeteasy.core.queues import Queue
from meeteasy.core.redis import get_quick_redis, get_redis

STREAM = "stream:analytics.events"
GROUP = "workers"
BELL = "stream:analytics.events:bell"
BELL_TTL_MS = 5_000
# A consumer that has not acknowledged an entry for this long counts as dead, and another claims the entry.
# With beat's tick of 5 s, the entries of a killed worker are processed again within some 20 s.
CLAIM_IDLE_MS = 15_000
# An entry that was requeued because the store was away is due again after this time.
RETRY_MS = 3_000
# From this delivery on an entry is processed alone; after MAX_DELIVERIES it becomes a dead letter. The second
# delivery is still in bulk: it usually means that a worker was stopped, not that an entry is bad.
ALONE_FROM_DELIVERY = 3
MAX_DELIVERIES = 5
# By how much the clocks of a web server and of Redis may differ, and events are still dated by the former.
CLOCKS_APART_MS = 60_000
# How often a consumer looks for entries that only a clock set back keeps from being claimed.
_LOOK_SECONDS = 5.0
_LOOKED_AT = 1_000


@dataclass(frozen=True)
class Entry:
    """A stream entry as delivered. `deliveries` counts the deliveries, this one included."""

    id: bytes
    fields: dict[bytes, bytes]
    deliveries: int = 1

    @property
    def latest_ms(self) -> int:
        """Nothing in it happened later: when Redis took it, by the clock that all hosts share, with room for
        clocks that differ a little. UTC milliseconds."""
        return int(self.id.partition(b"-")[0]) + CLOCKS_APART_MS

    @property
    def size(self) -> int:
        """Bytes of its events."""
        return len(self.fields.get(b"e", b""))


class Consumer:
    """This process's share of the consumer group. Each process has a new name, so the entries of one that
    died are never mixed up with those of its successor.

    claim_idle_ms: see CLAIM_IDLE_MS; tests pass another so as not to wait.
    """

    def __init__(self, client: redis.Redis, *, claim_idle_ms: int = CLAIM_IDLE_MS) -> None:
        self._redis = client
        self._claim_idle_ms = claim_idle_ms
        self._held: dict[bytes, tuple[tuple[bytes, int], float]] = {}  # see age_held
        self._looked_at = -math.inf
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def ensure_group(self) -> None:
        """Create the stream and its group unless they exist. It reads from the beginning."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def clear_bell(self) -> None:
        """Call it before the first read of a drain; see the module's description."""
        self._redis.delete(BELL)

    def read(self, *, count: int, block_ms: int | None) -> list[Entry]:
        """Read entries that no consumer has had; wait up to `block_ms` for the first (None: do not wait)."""
        reply = self._redis.xreadgroup(GROUP, self.name, {STREAM: ">"}, count=count, block=block_ms)
        return [Entry(entry_id, fields) for _, entries in _pairs(reply) for entry_id, fields in entries]

    def list_stale(self, *, count: int) -> list[tuple[bytes, int]]:
        """(id, deliveries so far) of entries whose consumer seems dead, this one's own failures included.

        Oldest first. Nothing is claimed yet: a delivery counts only when it is about to be tried, so that the
        neighbours of an entry that kills its worker are not counted down with it. (XAUTOCLAIM, which finds
        and claims in one step, counts all that it returns.)
        """
        pending: Any = self._redis.xpending_range(
            STREAM, GROUP, min="-", max="+", count=count, idle=self._claim_idle_ms
        )
        return [(item["message_id"], int(item["times_delivered"])) for item in pending]

    def age_held(self, *, now: float | None = None) -> None:
        """Let entries be claimed that a consumer has held for too long by this process' own clock (`now`,
        monotonic).

        Redis counts an entry's idle time by the clock of its host. When that is set back, entries that were
        delivered before are of the future, and those of a dead worker would wait until then.
        """
        now = time.monotonic() if now is None else now
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        pending: Any = self._redis.xpending_range(STREAM, GROUP, min="-", max="+", count=_LOOKED_AT)
        held, known = {}, self._held
        for item in pending:
            delivery = (item["consumer"], int(item["times_delivered"]))
            before, since = known.get(item["message_id"], (delivery, now))
            held[item["message_id"]] = (delivery, since if before == delivery else now)
            late = (now - held[item["message_id"]][1]) * 1000 >= self._claim_idle_ms
            if late and item["time_since_delivered"] < self._claim_idle_ms:
                self._set_idle([item["message_id"]], self._claim_idle_ms, deliveries=delivery[1])
        self._held = held

    def claim(self, stale: list[tuple[bytes, int]]) -> list[Entry]:
        """Claim these entries for this consumer; those that another claimed first are left out."""
        deliveries = dict(stale)
        claimed: Any = self._redis.xclaim(
            STREAM, GROUP, self.name, min_idle_time=self._claim_idle_ms, message_ids=list(deliveries)
        )
        return [Entry(entry_id, fields, deliveries[entry_id] + 1) for entry_id, fields in claimed if fields]

    def requeue(self, entries: Sequence[Entry]) -> None:
        """Undo the delivery of entries that could not be tried: it does not count, and they are due soon."""
        by_deliveries: dict[int, list[Any]] = {}
        for entry in entries:
            by_deliveries.setdefault(entry.deliveries, []).append(entry.id)
        for deliveries, ids in by_deliveries.items():
            self._set_idle(ids, max(0, self._claim_idle_ms - RETRY_MS), deliveries=deliveries - 1)

    def _set_idle(self, ids: list[Any], idle_ms: int, *, deliveries: int) -> None:
        self._redis.xclaim(STREAM, GROUP, self.name, 0, ids, idle=idle_ms, retrycount=deliveries, justid=True)

    def ack(self, ids: list[bytes]) -> None:
        """Acknowledge and delete in one transaction: an entry that is gone is finished."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.xack(STREAM, GROUP, *ids)
        pipeline.xdel(STREAM, *ids)
        pipeline.execute()

    def forget_dead_consumers(self, *, idle_ms: int = 3_600_000) -> int:
        """Remove consumers that are long gone and hold nothing. Returns how many."""
        dead = [
            consumer["name"]
            for consumer in self._redis.xinfo_consumers(STREAM, GROUP)
            if consumer["pending"] == 0 and consumer["idle"] > idle_ms
        ]
        for name in dead:
            self._redis.xgroup_delconsumer(STREAM, GROUP, name)
        return len(dead)


def _pairs(reply: object) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """The reply of XREADGROUP as (stream, entries) pairs: a dict of RESP3, a list of RESP2."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [
            (key, value[0] if value and isinstance(value[0], list) else value) for key, value in reply.items()
        ]
    return list(reply)  # type: ignore[call-overload, no-any-return]


def append(fields: dict[bytes, bytes]) -> None:
    """Append an entry and wake a worker: for own events and replays. Clients' batches go through
    ingest/publisher.py. Raises redis.RedisError; the entry may have been appended all the same.
    """
    pipeline = get_quick_redis().pipeline(transaction=False)
    pipeline.xadd(STREAM, fields)  # type: ignore[arg-type]
    pipeline.set(BELL, b"1", nx=True, px=BELL_TTL_MS)
    _, rung = pipeline.execute()
    if rung:
        with suppress(OperationalError):  # beat's tick makes up for the bell
            wake_worker()


def wake_worker() -> None:
    """Send the Celery message that the bell stands for. Raises kombu's OperationalError."""
    # By name: the task's module imports this one.
    current_app.send_task("analytics.drain_events", queue=str(Queue.ANALYTICS_EVENTS), retry=False)


def get_oldest_entry_ms() -> int | None:
    """When the oldest unfinished entry was appended, UTC milliseconds; None: there is none."""
    entries: Any = get_redis().xrange(STREAM, count=1)
    return int(entries[0][0].partition(b"-")[0]) if entries else None


def has_unfinished(*, before: dt.datetime) -> bool:
    """Whether an entry that was appended before this instant is still to be stored or reacted to."""
    oldest_ms = get_oldest_entry_ms()
    return oldest_ms is not None and oldest_ms < before.timestamp() * 1000
