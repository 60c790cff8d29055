"""Draining the stream: read entries in bulk, store and react, delete them from the stream.

Runs inside the Celery task `analytics.drain_events`. A run lasts a few seconds at most and then rings for
the next one, because a task that ran for ever would never be acknowledged.

There are two kinds of failure. An outage (the store or Redis is away) leaves everything in the stream,
however long it lasts: the delivery is not even counted (outages.py). Anything else counts as the entry's own
fault: the entries of the read are processed one by one, under the retry policy (retrying.py).
"""

import time
from collections.abc import Sequence
from contextlib import suppress

import redis

from analytics.reactions.pipeline import StoreResult, store_and_react
from analytics.stream.entry import decode_entry
from analytics.stream.outages import OutageError, raise_if_outage
from analytics.stream.queue import ALONE_FROM_DELIVERY, Consumer, Entry
from analytics.stream.retrying import Process, process_alone
from meeteasy.core.logs import Tally, get_logger

log = get_logger(__name__)

# About the rows of one transaction. More gains little, and holds SQLite's one write lock longer.
ROWS_AT_ONCE = 5_000
# Rows are counted only once they are decoded. An event takes 150 to 500 bytes in an entry, so a read may
# bring up to three times as many.
_BYTES_AT_ONCE = ROWS_AT_ONCE * 500
_ENTRIES_AT_ONCE = 32
# The size of entries is known only after the first read.
_ENTRIES_AT_FIRST = 4
_STALE_AT_ONCE = 1_000
MAX_SECONDS = 4.0
# How long the entries of a failed read are processed alone; well below the task's time limit.
ALONE_SECONDS = 15.0
# A delivery costs some milliseconds however small it is: its transactions, and a mark for each conference.
# So one that is not full begins at the earliest this many times the last one's duration after that one began:
# small deliveries take a tenth of a processor at most, and an alert waits no longer than it must.
_APART_TIMES = 10
_MAX_APART_SECONDS = 0.1
# How long a drain waits for more before it ends. While events trickle in, one wake-up then serves many:
# a Celery message costs more than storing the events of a small batch.
_LINGER_MS = 200
# After an outage, runs do nothing for this long. They also leave the bell set, so that clients which go on
# posting do not send a message each; beat's tick then tries again.
_PAUSE_SECONDS = 2.0


class Drain:
    """One consumer's work on the stream. The task calls `run`, again and again, in one process.

    process: store_and_react; tests pass another to see failures and crashes.
    """

    def __init__(
        self, consumer: Consumer, process: Process = store_and_react, *, pause_seconds: float = _PAUSE_SECONDS
    ) -> None:
        self._consumer = consumer
        self._process = process
        self._pause_seconds = pause_seconds
        self._paused_until = 0.0
        self._gather_until = 0.0  # monotonic
        self._group_exists = False
        self._tally = Tally(log, "events_stored")

    def run(self, *, max_seconds: float = MAX_SECONDS, linger_ms: int = _LINGER_MS) -> bool:
        """Work until the stream is empty or the time is up. Returns whether entries may be left to read."""
        now = time.monotonic()
        if now < self._paused_until:
            return False
        try:
            try:
                return self._run(now + max_seconds, linger_ms)
            except Exception as error:
                raise_if_outage(error)
                raise
        except OutageError as error:
            log.warning("events_wait", error=str(error))
            self._paused_until = time.monotonic() + self._pause_seconds
            return False
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._group_exists = False  # Redis lost its data; the next run creates the group again
            return True
        finally:
            self._tally.flush()

    def _run(self, deadline: float, linger_ms: int) -> bool:
        if not self._group_exists:
            self._consumer.ensure_group()
            self._consumer.forget_dead_consumers()
            self._group_exists = True
        self._consumer.clear_bell()
        if not self._process_stale(deadline):
            return True
        while time.monotonic() < deadline:
            entries = self._read(linger_ms)
            if not entries:
                return False
            began = time.monotonic()
            self._process_together(entries)
            took = time.monotonic() - began
            self._gather_until = began + min(_APART_TIMES * took, _MAX_APART_SECONDS)
        return True

    def _process_stale(self, deadline: float) -> bool:
        """Claim and process what other consumers left behind: in bulk at first, then what keeps failing, one
        by one and the least tried first. Returns False if the time ran out."""
        self._consumer.age_held()
        while stale := self._consumer.list_stale(count=_STALE_AT_ONCE):
            together = [item for item in stale if item[1] + 1 < ALONE_FROM_DELIVERY]
            suspects = [item for item in stale if item[1] + 1 >= ALONE_FROM_DELIVERY]
            log.info("entries_claimed", entries=len(together), suspects=len(suspects))
            count, largest = _ENTRIES_AT_FIRST, 1
            while together:
                if time.monotonic() >= deadline:
                    return False
                entries = self._consumer.claim(together[:count])
                together = together[count:]
                if entries:
                    self._process_together(entries)
                    # As many of the next as the sizes so far suggest; see _read.
                    largest = max(largest, *(entry.size for entry in entries))
                    count = max(1, min(_ENTRIES_AT_ONCE, _BYTES_AT_ONCE // largest))
            for item in sorted(suspects, key=lambda item: item[1]):
                if time.monotonic() >= deadline:
                    return False
                self._process_one_by_one(self._consumer.claim([item]))
        return True

    def _read(self, linger_ms: int) -> list[Entry]:
        """Entries of about _BYTES_AT_ONCE, or those that there are by `_gather_until`.

        Each read is as long as those before it suggest.
        """
        entries: list[Entry] = []
        count, size, largest = _ENTRIES_AT_FIRST, 0, 1
        while count > 0:
            more = self._consumer.read(count=count, block_ms=None if entries else linger_ms)
            entries += more
            if len(more) < count:
                pause = self._gather_until - time.monotonic()
                if not entries or pause <= 0:
                    break
                time.sleep(pause)
            if more:
                sizes = [entry.size for entry in more]
                size, largest = size + sum(sizes), max(largest, *sizes)
                count = min(_ENTRIES_AT_ONCE, (_BYTES_AT_ONCE - size) // largest)
        return entries

    def _process_together(self, entries: list[Entry]) -> None:
        """Store and react to all entries at once; if that fails, to each alone."""
        started = time.monotonic()
        try:
            rows = (decode_entry(entry.fields, latest_ms=entry.latest_ms) for entry in entries)
            result = self._process([row for part in rows for row in part])
        except Exception as error:
            self._requeue_in_outage(error, entries)
            log.warning("entries_tried_alone", entries=len(entries), error=repr(error))
        else:
            self._ack(entries, result, started)
            return
        self._process_one_by_one(entries)

    def _process_one_by_one(self, entries: list[Entry]) -> None:
        """Process each entry by itself; requeue what there is no time for."""
        until = time.monotonic() + ALONE_SECONDS
        for position, entry in enumerate(entries):
            started = time.monotonic()
            if started >= until:
                self._consumer.requeue(entries[position:])
                return
            try:
                result = process_alone(entry, self._process)
            except Exception as error:
                self._requeue_in_outage(error, entries[position:])
                raise
            if result is not None:
                self._ack([entry], result, started)

    def _requeue_in_outage(self, error: Exception, entries: Sequence[Entry]) -> None:
        """If `error` means an outage, requeue the entries and raise OutageError."""
        try:
            raise_if_outage(error)
        except OutageError:
            with suppress(redis.RedisError):
                self._consumer.requeue(entries)
            raise

    def _ack(self, entries: Sequence[Entry], result: StoreResult, started: float) -> None:
        self._consumer.ack([entry.id for entry in entries])
        self._tally.add(
            batches=1,
            entries=len(entries),
            stored=result.stored,
            duplicate=result.duplicate,
            milliseconds=round((time.monotonic() - started) * 1000),
        )
