"""What figures may lack: events that were accepted and wait for a worker."""

import datetime as dt

from analytics.stream.queue import get_oldest_entry_ms


def has_unfinished(*, before: dt.datetime) -> bool:
    """Whether an event that was accepted before this instant is not stored, or its day not marked, yet.

    By the clock of Redis' host. Raises RedisError.
    """
    oldest_ms = get_oldest_entry_ms()
    return oldest_ms is not None and oldest_ms < before.timestamp() * 1000
