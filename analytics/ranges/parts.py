"""The events of a range, a part of its visitors at a time.

Segments have their visitors in one order, that of their ids, so those between two ids are together in each of
them. A visitor is in one part alone: whatever is counted, distinct visitors and visits across midnight too,
is the sum of the parts. So memory is bounded, and threads have nothing to share.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from analytics.ranges.files import Array, SegmentFile
from analytics.ranges.segments import Day


class Texts:
    """What the numbers of a column stand for, in all segments of a range.

    values: by number. of_days: for each segment, the numbers here by its own.
    """

    def __init__(self, segments: Sequence[Sequence[Any]]) -> None:
        known: dict[Any, int] = {}
        of_days = [_number(values, known) for values in segments]
        self.values = list(known)
        kind = np.min_scalar_type(max(len(known) - 1, 0))  # narrow columns are fast to read
        self.of_days = [numbers.astype(kind) for numbers in of_days]
        self._fields: dict[int, tuple[list[str], Array]] = {}

    def split(self, field: int | None) -> tuple[list[str], Array]:
        """The distinct texts of a field, and by value which it has. field: None where it is one text."""
        if field is None:
            return self.values, np.arange(len(self.values))
        if field not in self._fields:
            known: dict[str, int] = {}
            numbers = _number([value[field] for value in self.values], known)
            self._fields[field] = list(known), numbers
        return self._fields[field]


def _number(values: Sequence[Any], known: dict[Any, int]) -> Array:
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.intp)


def read_texts(days: Sequence[Day], names: Sequence[str]) -> dict[str, Texts]:
    """Of columns of numbers."""
    found: dict[str, list[list[Any]]] = {name: [] for name in names}
    for day in days:
        with SegmentFile(day.path) as file:
            for name in names:
                found[name].append(file.read_texts(name))
    return {name: Texts(segments) for name, segments in found.items()}


class Part:
    """Events of some visitors over all days, by visitor and time; last those without a visitor, if any.

    visitors: how many. who: whose each event is; `visitors` for nobody's. day: the number of its day in the
    range. columns: `ts` in UTC milliseconds, `is_counted`, and those of `texts` as its numbers.
    """

    def __init__(
        self,
        days: Sequence[Day],
        texts: dict[str, Texts],
        first: int,
        last: int,
        *,
        until: tuple[dt.date, int] | None = None,
    ) -> None:
        """first, last: the fences between which the visitors are. until: of count_range."""
        ids: dict[str, list[Array]] = {"high": [], "low": [], "sizes": [], "day": []}
        events: dict[str, list[Array]] = {name: [] for name in ("ts", "is_counted", *texts)}
        nobodys: dict[str, list[Array]] = {name: [] for name in events}
        nobodys_days: list[Array] = []
        for number, day in enumerate(days):
            with SegmentFile(day.path) as file:
                header = file.header
                begin, end = header.fences[first], header.fences[last]
                ids["high"].append(file.read("high", begin, end))
                ids["low"].append(file.read("low", begin, end))
                ids["sizes"].append(np.diff(file.read("starts", begin, end + 1)).astype(np.intp))
                ids["day"].append(np.full(end - begin, number, np.int32))
                _read_events(file, texts, number, header.row_fences[first], header.row_fences[last], events)
                if first == 0:
                    nobodys_days.append(np.full(header.rows - header.row_fences[-1], number, np.int32))
                    _read_events(file, texts, number, header.row_fences[-1], header.rows, nobodys)
        order, numbers = number_visitors(_join(ids["high"]), _join(ids["low"]))
        sizes, of_day = _join(ids["sizes"]), _join(ids["day"])
        begins = (np.cumsum(sizes) - sizes)[order]
        sizes = sizes[order]
        self.visitors = int(numbers[-1]) + 1 if len(numbers) else 0
        self.who, self.day = np.repeat(numbers, sizes), np.repeat(of_day[order], sizes)
        if len(days) == 1:
            self.columns = {name: found[0] for name, found in events.items()}
        else:
            places = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(self.who))
            self.columns = {name: _join(found)[places] for name, found in events.items()}
        if extra := sum(map(len, nobodys_days)):
            self.who = np.append(self.who, np.full(extra, self.visitors))
            self.day = np.concatenate([self.day, *nobodys_days])
            for name, found in nobodys.items():
                self.columns[name] = np.concatenate([self.columns[name], *found])
        if until is not None and days[-1].date == until[0]:
            self.keep((self.day < len(days) - 1) | (self.columns["ts"] < until[1]))

    def keep(self, chosen: Array) -> None:
        """Only these events. chosen: a truth value for each."""
        self.who, self.day = self.who[chosen], self.day[chosen]
        self.columns = {name: values[chosen] for name, values in self.columns.items()}


def _read_events(
    file: SegmentFile,
    texts: dict[str, Texts],
    number: int,
    first: int,
    last: int,
    into: dict[str, list[Array]],
) -> None:
    into["ts"].append(file.read("ts", first, last) + np.int64(file.header.first_ms))
    into["is_counted"].append(file.read("is_counted", first, last))
    for name, known in texts.items():
        into[name].append(known.of_days[number][file.read(name, first, last)])


def _join(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays) if len(arrays) != 1 else arrays[0]


def number_visitors(high: Array, low: Array) -> tuple[Array, Array]:
    """Order by visitor, one's own as they are. Returns the order, and the visitors' numbers in it.

    high, low: the halves of a visitor's id, for each visitor of each day. The first halves tell visitors
    apart, but for a chance that is looked for.
    """
    order = np.argsort(high, kind="stable")
    is_other, is_other_low = changes(high[order]), changes(low[order])
    if (is_other_low & ~is_other).any():
        order = np.lexsort((low, high))
        is_other = changes(high[order]) | changes(low[order])
    return order, np.cumsum(is_other, dtype=np.int32) - 1


def changes(values: Array) -> Array:
    """Whether each is another than the one before it; the first is."""
    found = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found
