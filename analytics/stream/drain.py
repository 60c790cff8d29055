"""Working off the stream: read entries in bulk, store and react, delete them from the stream.

Runs inside the Celery task `analytics.drain_events`. A run lasts a few seconds at most and hands on by
ringing again, because a task that ran for ever would never be acknowledged.

Failures are of two kinds. An outage (the store or Redis is away) leaves everything in the stream, however
long it lasts: the delivery is not even counted. Anything else is taken to be an entry's own fault: entries
are tried alone, so that it costs no other, and one that fails or kills its worker too often becomes a dead
letter.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import redis
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from analytics import store
from analytics.events.rows import EventRow
from analytics.reactions.pipeline import Outcome, store_and_react
from analytics.store import RowsRefusedError, StoreUnavailableError
from analytics.stream import dead_letters
from analytics.stream.entry import decode_entry, decode_readable
from analytics.stream.queue import ALONE_FROM_DELIVERY, MAX_DELIVERIES, Consumer, Entry
from meeteasy.core.logs import Tally, get_logger

log = get_logger(__name__)

# About the rows of one transaction. More gives little, and holds SQLite's one write lock longer.
ROWS_AT_ONCE = 5_000
# Rows are not counted before they are decoded; an event takes 150 to 500 bytes in an entry, so they are up
# to three times as many.
_BYTES_AT_ONCE = ROWS_AT_ONCE * 500
_ENTRIES_AT_ONCE = 32
# How large entries are shows only when some were read.
_ENTRIES_AT_FIRST = 4
_ABANDONED_AT_ONCE = 1_000
MAX_SECONDS = 4.0
# How long the entries of a read that failed are tried alone; well below the task's time limit.
_ALONE_SECONDS = 15.0
# How long a drain listens for more before it ends. While events trickle in, one wake-up then serves for
# many: a Celery message costs more than storing the events of a small batch.
_LINGER_MS = 200
# After an outage was met, runs do nothing for so long. They leave the bell set, too, so that clients which
# go on posting do not send a message each; beat's tick then tries again.
_PAUSE_SECONDS = 2.0

_REDIS_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    BrokerError,
)
_STORE_AWAY = (StoreUnavailableError, DatabaseError, InterfaceError)
_SQLITE_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_POSTGRESQL_LOCKED = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization failure


class _OutageError(Exception):
    """Nothing is wrong with the entries; end this run."""


class NoOutcomeError(Exception):
    """An entry was delivered too often, and no attempt at it ever ended."""


class Drain:
    """One consumer's work on the stream. `run` is called by the task, again and again, in one process.

    process: store_and_react; tests give another to see failures and crashes.
    """

    def __init__(
        self,
        consumer: Consumer,
        process: Callable[[Sequence[EventRow]], Outcome] = store_and_react,
        *,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._consumer = consumer
        self._process = process
        self._pause_seconds = pause_seconds
        self._paused_until = 0.0
        self._group_exists = False
        self._tally = Tally(log, "events_stored")

    def run(self, *, max_seconds: float = MAX_SECONDS, linger_ms: int = _LINGER_MS) -> bool:
        """Work until the stream is empty or the time is up. Returns whether entries may be left to read."""
        now = time.monotonic()
        if now < self._paused_until:
            return False
        try:
            return self._run(now + max_seconds, linger_ms)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._group_exists = False  # Redis lost its data; the next run makes the group anew
            return True
        finally:
            self._tally.flush()

    def _run(self, deadline: float, linger_ms: int) -> bool:
        try:
            if not self._group_exists:
                self._consumer.ensure_group()
                self._consumer.forget_dead_consumers()
                self._group_exists = True
            self._consumer.clear_bell()
            if not self._claim_abandoned(deadline):
                return True
            while time.monotonic() < deadline:
                entries = self._read(linger_ms)
                if not entries:
                    return False
                self._work_off(entries)
        except (_OutageError, *_REDIS_AWAY, *_STORE_AWAY) as error:
            log.warning("events_wait", error=str(error))
            self._paused_until = time.monotonic() + self._pause_seconds
            return False
        return True

    def _read(self, linger_ms: int) -> list[Entry]:
        """Entries of about _BYTES_AT_ONCE, without waiting for more than there are.

        Each read is as long as those before it suggest.
        """
        count = _ENTRIES_AT_FIRST
        entries = more = self._consumer.read(count=count, block_ms=linger_ms)
        size, largest = 0, 1
        while len(more) == count:
            sizes = [entry.size for entry in more]
            size, largest = size + sum(sizes), max(largest, *sizes)
            count = min(_ENTRIES_AT_ONCE, (_BYTES_AT_ONCE - size) // largest)
            if count <= 0:
                break
            more = self._consumer.read(count=count, block_ms=None)
            entries = entries + more
        return entries

    def _claim_abandoned(self, deadline: float) -> bool:
        """Work off what other consumers left behind: in bulk at first, and what keeps failing one by one,
        that tried least often before the rest. Returns False if the time ran out."""
        while abandoned := self._consumer.list_stale(count=_ABANDONED_AT_ONCE):
            together = [item for item in abandoned if item[1] + 1 < ALONE_FROM_DELIVERY]
            suspects = [item for item in abandoned if item[1] + 1 >= ALONE_FROM_DELIVERY]
            log.info("entries_claimed", entries=len(together), suspects=len(suspects))
            count, largest = _ENTRIES_AT_FIRST, 1
            while together:
                if time.monotonic() >= deadline:
                    return False
                entries = self._consumer.claim(together[:count])
                together = together[count:]
                if entries:
                    self._work_off(entries)
                    # As many of the next as those before them suggest; see _read.
                    largest = max(largest, *(entry.size for entry in entries))
                    count = max(1, min(_ENTRIES_AT_ONCE, _BYTES_AT_ONCE // largest))
            for item in sorted(suspects, key=lambda item: item[1]):
                if time.monotonic() >= deadline:
                    return False
                for entry in self._consumer.claim([item]):
                    self._work_off_alone(entry)
        return True

    def _work_off(self, entries: list[Entry]) -> None:
        """Store and react to all entries at once; where that fails, to each alone."""
        started = time.monotonic()
        outcome: Outcome | None = None
        try:
            outcome = self._process([row for entry in entries for row in decode_entry(entry.fields)])
        except Exception as error:
            self._end_in_outage(error, entries)
            log.warning("entries_tried_alone", entries=len(entries), error=repr(error))
        if outcome is None:
            until = time.monotonic() + _ALONE_SECONDS
            for position, entry in enumerate(entries):
                if time.monotonic() >= until:
                    self._consumer.requeue(entries[position:])
                    break
                self._work_off_alone(entry, rest=entries[position:])
            return
        self._finish(entries, outcome, started)

    def _finish(self, entries: Sequence[Entry], outcome: Outcome, started: float) -> None:
        self._consumer.ack([entry.id for entry in entries])
        self._tally.add(
            batches=1,
            entries=len(entries),
            stored=outcome.stored,
            duplicate=outcome.duplicate,
            milliseconds=round((time.monotonic() - started) * 1000),
        )

    def _work_off_alone(self, entry: Entry, *, rest: Sequence[Entry] = ()) -> None:
        """One entry by itself: a failure costs no other, and the last one allowed makes a dead letter.

        rest: what to give back in an outage, if that is more than this entry.
        """
        started = time.monotonic()
        try:
            if entry.deliveries > MAX_DELIVERIES:
                # The worker died of it each time, or was killed for taking too long. Another attempt would
                # only take the next one down.
                raise NoOutcomeError(f"delivered {entry.deliveries - 1} times without an outcome")
            rows, unread = decode_readable(entry.fields)
            outcome = self._work_off_rows(entry, rows, rest or [entry])
            if unread is not None:
                if entry.deliveries < MAX_DELIVERIES:
                    log.warning("events_unread", entry=entry.id.decode(), error=repr(unread.error)[:500])
                    return  # the others are stored; a newer worker may know what these are
                dead_letters.bury_entry(
                    replace(entry, fields=unread.fields), error=unread.error, now=timezone.now()
                )
        except _OutageError:
            raise
        except Exception as error:
            self._end_in_outage(error, rest or [entry])
            log.exception("entry_failed", entry=entry.id.decode(), deliveries=entry.deliveries)
            if entry.deliveries < MAX_DELIVERIES:
                return  # stays with this consumer, and comes again by take-over
            dead_letters.bury_entry(entry, error=error, now=timezone.now())
            self._consumer.ack([entry.id])
        else:
            self._finish([entry], outcome, started)

    def _end_in_outage(self, error: Exception, entries: Sequence[Entry]) -> None:
        """If `error` means an outage: give the entries back and raise _OutageError."""
        if _is_outage(error):
            with suppress(redis.RedisError):
                self._consumer.requeue(entries)
            raise _OutageError(str(error)) from error

    def _work_off_rows(self, entry: Entry, rows: list[EventRow], rest: Sequence[Entry]) -> Outcome:
        """Halve until the rows that fail stand alone; those become dead letters, the others are stored.

        A row that the store refuses fails for good. Any other error may pass, so it is raised, except on the
        last delivery: an entry holds the events of many clients.
        """
        stored = duplicate = 0
        parts = [rows] if rows else []
        while parts:
            part = parts.pop()
            try:
                outcome = self._process(part)
            except Exception as error:
                self._end_in_outage(error, rest)
                if not isinstance(error, RowsRefusedError) and entry.deliveries < MAX_DELIVERIES:
                    raise
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    dead_letters.bury_row(entry, part[0], error=error, now=timezone.now())
            else:
                stored += outcome.stored
                duplicate += outcome.duplicate
        return Outcome(stored=stored, duplicate=duplicate)


def _is_outage(error: Exception) -> bool:
    """Whether the infrastructure failed, not the entry.

    The class of a database error does not tell: to SQLite an unknown column is an OperationalError, too, and
    on MongoDB a lost connection is a plain DatabaseError. So the store is asked, except about a lock, which
    may be gone a moment later.
    """
    if isinstance(error, _REDIS_AWAY):
        return True
    return isinstance(error, _STORE_AWAY) and (_is_locked(error) or not store.takes_writes())


def _is_locked(error: Exception) -> bool:
    """Whether SQLite or PostgreSQL gave up for another's lock. Their codes tell; a text may quote what a
    client sent."""
    cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
    if not isinstance(cause, OperationalError):
        return False
    driver = cause.__cause__
    sqlite_code = getattr(driver, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in _SQLITE_LOCKED  # the upper bits say how it came about
    return getattr(driver, "sqlstate", None) in _POSTGRESQL_LOCKED
