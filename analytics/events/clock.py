"""Event time: what the client says, corrected for its clock."""

import datetime as dt
import time

from analytics.event_types._base import Timestamp

MS_PER_DAY = 86_400_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_CALENDAR_MS = 10_000 * 366 * MS_PER_DAY
# What seconds since 1970 are from 2001 to 2286. As milliseconds that is in the spring of 1970, where no event
# happened; a clock without a battery begins on 1 January.
_SECONDS = range(10**9, 10**10)


def now_ms() -> int:
    """UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class TooOldError(ValueError):
    """The event happened before the acceptance window."""


class SecondsError(OverflowError):
    """The number counts seconds."""


def to_ms(ts: Timestamp) -> int:
    """Milliseconds since 1970-01-01T00:00Z.

    Raises OverflowError for a number beyond the calendar, and SecondsError for one in seconds.
    """
    if isinstance(ts, dt.datetime):
        return (ts - _EPOCH) // _MILLISECOND  # exact; a float's product may be a millisecond less
    if not -_CALENDAR_MS <= ts <= _CALENDAR_MS:
        raise OverflowError
    if int(ts) in _SECONDS:
        raise SecondsError
    return int(ts)


def event_time_ms(
    ts: Timestamp | None, *, sent_ms: int | None, received_ms: int, oldest_ms: int | None
) -> int:
    """When the event happened, by the server's clock, in UTC milliseconds.

    ts: by the client's clock; None means now.
    sent_ms: when the client sent the batch, by its own clock; `ts` is corrected by the clock's offset (as
        with Segment's `sentAt`). None: `ts` is trusted.
    received_ms: now. No event is later.
    oldest_ms: earlier events raise TooOldError; None takes any since 1970.
    """
    if ts is None:
        return received_ms
    happened_ms = to_ms(ts)
    if sent_ms is not None:
        happened_ms += received_ms - sent_ms
    if happened_ms >= received_ms:
        return received_ms
    if happened_ms < (0 if oldest_ms is None else oldest_ms):
        raise TooOldError
    return happened_ms
