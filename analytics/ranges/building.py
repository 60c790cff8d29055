"""From a day's events to its segment: in the order of visitors and time, texts as numbers."""

import hashlib
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from analytics.ranges.columns import CODED, EventRow
from analytics.ranges.files import FENCES, Array, write_file


class _Numbers:
    """Numbers for values, in the order in which they come first."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}
        self.column = array("I")

    def add(self, value: Any) -> None:
        self.column.append(self.known.setdefault(value, len(self.known)))

    def as_column(self) -> Array:
        """As narrow as the numbers allow."""
        return np.array(self.column, dtype=np.min_scalar_type(max(len(self.known) - 1, 0)))


def build_segment(path: Path, rows: Iterable[EventRow], *, midnight_ms: int) -> int:
    """Write the segment of a day to `path`; returns how many events it has.

    Columns with a value for each visitor: `high` and `low`, the halves of 16 bytes that stand for the
    visitor's id, in whose order visitors are; `starts`, the number of its first event (and, as one more, that
    of the first without a visitor); `has_viewed`, whether one of its events is a page view.

    For each event, by visitor, time and key, last those without a visitor: `ts`, milliseconds from the day's
    first event; `is_counted`; and the numbers of CODED.

    rows: of extract_day. midnight_ms: when the day begins, UTC milliseconds.
    """
    coded = {name: _Numbers() for name in CODED}
    visitors = _Numbers()
    times, counted = array("q"), array("b")
    keys, key_ends = bytearray(), array("Q")
    for row in rows:
        visitors.add(row.visitor)
        times.append(row.ts)
        counted.append(row.is_counted)
        for name, numbers in coded.items():
            numbers.add(getattr(row, name))
        keys += row.key.encode()
        key_ends.append(len(keys))

    high, low, rank = _rank_visitors(visitors.known)
    count = len(high)  # of visitors
    of_row = rank[np.array(visitors.column, dtype=np.uint32)]
    ts = np.array(times, dtype=np.int64)
    order = np.lexsort((ts, of_row))
    of_row, ts = of_row[order], ts[order]
    _sort_ties(order, of_row, ts, keys, key_ends)

    starts = np.searchsorted(of_row, np.arange(count + 1)).astype(np.uint32)
    first_ms = int(ts.min()) if len(ts) else midnight_ms
    columns = {
        "high": high,
        "low": low,
        "starts": starts,
        "ts": (ts - first_ms).astype(np.uint32 if not len(ts) or ts.max() - first_ms < 2**32 else np.int64),
        "is_counted": np.array(counted, dtype=bool)[order],
        **{name: numbers.as_column()[order] for name, numbers in coded.items()},
    }
    is_view = columns["type"] == coded["type"].known.get("page_view", -1)
    has_viewed = np.zeros(len(rank), dtype=bool)
    has_viewed[of_row[is_view]] = True
    columns["has_viewed"] = has_viewed[:count]
    bounds = np.arange(FENCES, dtype=np.uint64) * np.uint64(2**64 // FENCES)
    fences = [*np.searchsorted(high, bounds).tolist(), count]
    write_file(
        path,
        columns,
        {name: list(numbers.known) for name, numbers in coded.items()},
        midnight_ms=midnight_ms,
        first_ms=first_ms,
        rows=len(ts),
        fences=fences,
        row_fences=starts[fences].tolist(),
    )
    return len(ts)


def _rank_visitors(known: dict[str, int]) -> tuple[Array, Array, Array]:
    """The halves of the visitors' hashes, in order, and the place in that order of each number of `known`.

    The empty id, of events without a visitor, comes last and has no hash.
    """
    high, low = hash_visitors(known)
    by_id = np.lexsort((low, high))
    nobody = known.get("")
    if nobody is not None:
        by_id = np.append(by_id[by_id != nobody], nobody)
    rank = np.empty(len(known), dtype=np.uint32)
    rank[by_id] = np.arange(len(known), dtype=np.uint32)
    count = len(known) - (nobody is not None)
    return high[by_id[:count]], low[by_id[:count]], rank


def hash_visitors(visitors: Iterable[str]) -> tuple[Array, Array]:
    """The halves of 16 bytes that stand for a visitor's id: nobody can find two ids with the same ones."""
    digests = b"".join(hashlib.blake2b(id.encode(), digest_size=16).digest() for id in visitors)
    halves = np.frombuffer(digests, dtype=">u8").reshape(-1, 2)
    return halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)


def _sort_ties(order: Array, of_row: Array, ts: Array, keys: bytearray, key_ends: "array[int]") -> None:
    """Put a visitor's events of the same millisecond into the order of their keys."""

    def key_of(place: int) -> bytes:
        return bytes(keys[key_ends[place - 1] if place else 0 : key_ends[place]])

    same = (of_row[1:] == of_row[:-1]) & (ts[1:] == ts[:-1])
    edges = np.flatnonzero(np.diff(same.astype(np.int8), prepend=0, append=0))
    for first, last in edges.reshape(-1, 2).tolist():
        order[first : last + 1] = sorted(order[first : last + 1].tolist(), key=key_of)
