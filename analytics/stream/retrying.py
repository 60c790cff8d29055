"""The retry policy: what happens to an entry that failed together with others.

It is processed alone, so that it costs no other. If it fails again it stays pending and is claimed later;
its last delivery turns what still fails into dead letters: single rows where possible, since an entry holds
the events of many clients. A row that the store refuses fails for good and becomes a dead letter at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from analytics.events.rows import EventRow
from analytics.reactions.pipeline import StoreResult
from analytics.store import RowsRefusedError
from analytics.stream import dead_letters
from analytics.stream.entry import decode_readable
from analytics.stream.outages import OutageError, raise_if_outage
from analytics.stream.queue import MAX_DELIVERIES, Entry
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

Process = Callable[[Sequence[EventRow]], StoreResult]


class NeverProcessedError(Exception):
    """An entry was delivered too often, and no attempt at it came to an end."""


def process_alone(entry: Entry, process: Process) -> StoreResult | None:
    """Process one entry by itself. None: it stays pending for another delivery; else it can be acked.

    Raises OutageError; the entry is then to be requeued, and its delivery does not count.
    """
    try:
        return _process_once(entry, process)
    except OutageError:
        raise
    except Exception as error:
        raise_if_outage(error)
        log.exception("entry_failed", entry=entry.id.decode(), deliveries=entry.deliveries)
        if entry.deliveries < MAX_DELIVERIES:
            return None
        dead_letters.add_entry(entry, error=error)
        return StoreResult(stored=0, duplicate=0)


def _process_once(entry: Entry, process: Process) -> StoreResult | None:
    if entry.deliveries > MAX_DELIVERIES:
        # It killed its worker each time, or the worker was killed for taking too long. Another attempt
        # would only take down the next one.
        raise NeverProcessedError(f"delivered {entry.deliveries - 1} times; no attempt came to an end")
    rows, unread = decode_readable(entry.fields, latest_ms=entry.latest_ms)
    result = _process_rows(entry, rows, process)
    if unread is None:
        return result
    if entry.deliveries < MAX_DELIVERIES:  # the others are stored; a newer worker may know these
        log.warning("events_unread", entry=entry.id.decode(), error=repr(unread.error)[:500])
        return None
    dead_letters.add_entry(replace(entry, fields=unread.fields), error=unread.error)
    return result


def _process_rows(entry: Entry, rows: list[EventRow], process: Process) -> StoreResult:
    """Process rows, halving until those that fail stand alone and become dead letters.

    Errors other than a refusal may pass, so before the last delivery they are raised.
    """
    stored = duplicate = 0
    parts = [rows] if rows else []
    while parts:
        part = parts.pop()
        try:
            result = process(part)
        except Exception as error:
            raise_if_outage(error)
            if not isinstance(error, RowsRefusedError) and entry.deliveries < MAX_DELIVERIES:
                raise
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                dead_letters.add_row(entry, part[0], error=error)
        else:
            stored += result.stored
            duplicate += result.duplicate
    return StoreResult(stored=stored, duplicate=duplicate)
