"""Working off the stream: read entries in bulk, store and react, delete them from the stream.

Runs inside the Celery task `analytics.drain_events`. A run lasts a few seconds at most and hands on by
ringing again, because a task that ran for ever would never be acknowledged.
"""

import time
from collections.abc import Callable, Sequence

import redis
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from analytics import dead_letters
from analytics.ingest.entry import decode_entry
from analytics.pipeline import Outcome, store_and_react
from analytics.rows import EventRow
from analytics.store import RowsRefusedError, StoreUnavailableError
from analytics.stream import ALONE_FROM_DELIVERY, MAX_DELIVERIES, Consumer, Entry
from meeteasy.logs import Tally, get_logger

log = get_logger(__name__)

# Rows of one transaction. More gives little, and holds SQLite's one write lock longer.
ROWS_AT_ONCE = 5_000
_ENTRIES_AT_ONCE = 32
MAX_SECONDS = 4.0
# How long a drain listens for more before it ends. While events trickle in, one wake-up then serves for
# many: a Celery message costs more than storing the events of a small batch.
_LINGER_MS = 200

# What failures of the infrastructure look like, as opposed to those of an entry. They leave everything in
# the stream, however often: an outage must not turn a backlog into dead letters.
_PASSING = (
    StoreUnavailableError,
    OperationalError,
    InterfaceError,
    redis.ConnectionError,
    redis.TimeoutError,
)


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
    ) -> None:
        self._consumer = consumer
        self._process = process
        self._group_exists = False
        self._tally = Tally(log, "events_stored")

    def run(self, *, max_seconds: float = MAX_SECONDS, linger_ms: int = _LINGER_MS) -> bool:
        """Work until the stream is empty or the time is up. Returns whether entries may be left to read."""
        deadline = time.monotonic() + max_seconds
        try:
            return self._run(deadline, linger_ms)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._group_exists = False  # Redis lost its data; the next run makes the group anew
            return True
        finally:
            self._tally.flush()

    def _run(self, deadline: float, linger_ms: int) -> bool:
        if not self._group_exists:
            self._consumer.ensure_group()
            self._consumer.forget_dead_consumers()
            self._group_exists = True
        self._consumer.silence_bell()
        try:
            self._take_over(deadline)
            while time.monotonic() < deadline:
                entries = self._read(linger_ms)
                if not entries:
                    return False
                self._work_off(entries)
        except _PASSING as error:
            # The entries read stay with this consumer and come again by take-over.
            log.warning("store_unavailable", error=str(error))
            return False
        return True

    def _read(self, linger_ms: int) -> list[Entry]:
        """Entries of about ROWS_AT_ONCE rows, without waiting for more than there are."""
        entries = self._consumer.read(count=_ENTRIES_AT_ONCE, block_ms=linger_ms)
        read, size = len(entries), _size(entries)
        while read == _ENTRIES_AT_ONCE and size < _BYTES_AT_ONCE:
            more = self._consumer.read(count=_ENTRIES_AT_ONCE, block_ms=None)
            entries += more
            read, size = len(more), size + _size(more)
        return entries

    def _take_over(self, deadline: float) -> None:
        """Work off what other consumers left behind: in bulk at first, and what keeps failing one by one."""
        while time.monotonic() < deadline:
            abandoned = self._consumer.list_abandoned(count=_ENTRIES_AT_ONCE)
            if not abandoned:
                return
            together = [item for item in abandoned if item[1] + 1 < ALONE_FROM_DELIVERY]
            entries = self._consumer.take_over(together) if together else []
            if entries:
                log.info("entries_taken_over", entries=len(entries))
                self._work_off(entries)
            for item in abandoned:
                if item[1] + 1 >= ALONE_FROM_DELIVERY and time.monotonic() < deadline:
                    for entry in self._consumer.take_over([item]):
                        self._work_off_alone(entry)

    def _work_off(self, entries: list[Entry]) -> None:
        """Store and react to all entries at once; where that fails, to each alone."""
        started = time.monotonic()
        outcome: Outcome | None = None
        try:
            outcome = self._process([row for entry in entries for row in decode_entry(entry.fields)])
        except _PASSING:
            raise
        except Exception as error:
            log.warning("entries_tried_alone", entries=len(entries), error=repr(error))
        if outcome is None:
            for entry in entries:
                self._work_off_alone(entry)
            return
        self._consumer.finish([entry.id for entry in entries])
        self._tally.add(
            batches=1,
            entries=len(entries),
            stored=outcome.stored,
            duplicate=outcome.duplicate,
            milliseconds=round((time.monotonic() - started) * 1000),
        )

    def _work_off_alone(self, entry: Entry) -> None:
        """One entry by itself: a failure costs no other, and the last one allowed makes a dead letter."""
        if entry.deliveries > MAX_DELIVERIES:
            # No attempt came to an end, not even a bad one: the worker died of it, or was killed for taking
            # too long. Another attempt would only take the next worker down.
            no_outcome = NoOutcomeError(f"delivered {entry.deliveries - 1} times without an outcome")
            dead_letters.bury_entry(entry, error=no_outcome, now=timezone.now())
            self._consumer.finish([entry.id])
            return
        try:
            rows = decode_entry(entry.fields)
            try:
                self._process(rows)
            except RowsRefusedError:
                self._work_off_rows(entry, rows)
        except _PASSING:
            raise
        except Exception as error:
            log.exception("entry_failed", entry=entry.id.decode(), deliveries=entry.deliveries)
            if entry.deliveries < MAX_DELIVERIES:
                return  # stays with this consumer, and comes again by take-over
            dead_letters.bury_entry(entry, error=error, now=timezone.now())
        self._consumer.finish([entry.id])

    def _work_off_rows(self, entry: Entry, rows: list[EventRow]) -> None:
        """Halve until the refused rows stand alone; those become dead letters, the others are stored."""
        parts = [rows]
        while parts:
            part = parts.pop()
            try:
                self._process(part)
            except RowsRefusedError as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    dead_letters.bury_row(entry, part[0], error=error, now=timezone.now())


# Rows are not counted before they are decoded; an event takes some 200 bytes in an entry.
_BYTES_AT_ONCE = ROWS_AT_ONCE * 200


def _size(entries: list[Entry]) -> int:
    return sum(len(entry.fields.get(b"e", b"")) for entry in entries)
