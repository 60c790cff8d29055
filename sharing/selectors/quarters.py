"""The sums of sharers by quarter hour as arrays, which this process remembers.

A range of days adds up the sums of all who have credit in it: NumPy needs milliseconds for what takes a
database half a second. What is remembered is never old: each quarter hour has a version, another one whenever
its sums have changed, and those with another version are read again.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from sharing.models import CreditSum, QuarterSum, QuarterVersion

# Of all that is remembered: about 36 bytes for each row, and 150 for each sharer.
MOST_ROWS = 500_000
# Read together, unless a single quarter hour has more.
_ROWS_AT_ONCE = 10_000
# Quarter hours that change while they are read are read again, so that one answer mixes no two states.
_MOST_READS = 5
_COUNTS = ("credits", "registrations", "direct")
_SHARER, _TOTAL = CreditSum.Kind.SHARER, CreditSum.Kind.TOTAL

_Numbers = npt.NDArray[np.int64]
# The version of a quarter hour, another one whenever its sums have changed, and the number of its credits.
_State = tuple[int, int]


@dataclass(frozen=True)
class SumsOfDays:
    """What sharers have in a range of days, by place; those who have nothing there have places, too."""

    names: Sequence[str]
    units: _Numbers
    counts: _Numbers  # of three rows: _COUNTS

    def count(self) -> int:
        """The number of sharers with credit."""
        return int(np.count_nonzero(self.counts[0]))

    def find_next(self, after: tuple[int, str] | None, limit: int) -> list[int]:
        """The places that follow a sharer (units, name), or the first: highest units first, then by name."""
        left = self.counts[0] > 0
        if after is None:
            return self._find_highest(np.flatnonzero(left), limit)
        units, name = after
        equal = [place for place in self._find_equal(units) if self.names[place] > name]
        found = self._sort_by_name(equal, limit)
        return found + self._find_highest(np.flatnonzero(left & (self.units < units)), limit - len(found))

    def find_position(self, units: int, name: str) -> tuple[int, int]:
        """The position of a sharer with credit, and the rank, both counted from 1."""
        higher = int(np.count_nonzero((self.counts[0] > 0) & (self.units > units)))
        before = sum(self.names[place] < name for place in self._find_equal(units))
        return higher + before + 1, higher + 1

    def _find_equal(self, units: int) -> list[int]:
        found: list[int] = np.flatnonzero((self.counts[0] > 0) & (self.units == units)).tolist()
        return found

    def _find_highest(self, places: npt.NDArray[np.intp], limit: int) -> list[int]:
        if limit <= 0 or not len(places):
            return []
        units = self.units[places]
        last = max(len(places) - limit, 0)
        lowest = np.partition(units, last)[last]  # of those who are shown
        higher: list[int] = places[units > lowest].tolist()
        higher.sort(key=lambda place: (-self.units[place], self.names[place]))
        return higher + self._sort_by_name(places[units == lowest].tolist(), limit - len(higher))

    def _sort_by_name(self, places: list[int], limit: int) -> list[int]:
        return nsmallest(limit, places, key=self.names.__getitem__)


class _Quarter(NamedTuple):
    """The sums of a quarter hour, a column for each sharer. places: theirs. sums: the units, then _COUNTS."""

    state: _State
    places: npt.NDArray[np.int32]
    sums: _Numbers


class _Conference:
    """The sums of a conference's sharers under a credit model, as far as they were asked for."""

    def __init__(self, conference_id: str, model: str) -> None:
        self.rows = 0
        self._conference_id, self._column = conference_id, QuarterSum.column_of(model)
        self._start_of_name = len(QuarterSum.make_key(conference_id, _SHARER, 0))
        self._names: list[str] = []  # by place
        self._places: dict[str, int] = {}
        self._quarters: dict[int, _Quarter] = {}
        self._lock = Lock()

    def add_up(self, start_ms: int | None, end_ms: int | None) -> SumsOfDays | None:
        """None: there are more than MOST_ROWS."""
        with self._lock:
            quarters = self._read(start_ms, end_ms)
            known = len(self._names)
        if quarters is None:
            return None
        units, counts = np.zeros(known, np.int64), np.zeros((len(_COUNTS), known), np.int64)
        if quarters:
            places = np.concatenate([quarter.places for quarter in quarters])
            sums = np.concatenate([quarter.sums for quarter in quarters], axis=1)
            for total, column in zip((units, *counts), sums, strict=True):
                np.add.at(total, places, column)
        return SumsOfDays(self._names, units, counts)

    def _read(self, start_ms: int | None, end_ms: int | None) -> list[_Quarter] | None:
        for _ in range(_MOST_READS):
            states = _read_states(self._conference_id, start_ms, end_ms)
            if sum(credits for _, credits in states.values()) > MOST_ROWS:
                return None
            changed = {start for start, state in states.items() if not self._has(start, state)}
            if not changed:
                break
            for part in _in_parts(states, changed):
                self._read_part(part)
        return [self._quarters[start] for start in states]

    def _has(self, start: int, state: _State) -> bool:
        known = self._quarters.get(start)
        return known is not None and known.state == state

    def _read_part(self, part: dict[int, _State]) -> None:
        """Read these quarter hours, between which there is no other one."""
        rows = QuarterSum.of_kind(self._conference_id, _SHARER, min(part), max(part) + 1)
        found: dict[int, list[tuple[Any, ...]]] = {start: [] for start in part}
        for row in rows.values_list("id", self._column, *_COUNTS):
            start = QuarterSum.start_of(row[0])
            if start in found:  # one may be new by now
                found[start].append(row)
        for start, state in part.items():
            places = [self._place(key[self._start_of_name :]) for key, *_ in found[start]]
            sums = np.array([row[1:] for row in found[start]], np.int64).reshape(-1, 1 + len(_COUNTS))
            before = self._quarters.get(start)
            self.rows += len(places) - (len(before.places) if before else 0)
            self._quarters[start] = _Quarter(state, np.array(places, np.int32), sums.T.copy())

    def _place(self, name: str) -> int:
        place = self._places.setdefault(name, len(self._names))
        if place == len(self._names):
            self._names.append(name)
        return place


def _read_states(conference_id: str, start_ms: int | None, end_ms: int | None) -> dict[int, _State]:
    """The quarter hours of a range that have credit, in order."""
    number = QuarterVersion.objects.filter(id=OuterRef("id")).values("number")
    totals = QuarterSum.of_kind(conference_id, _TOTAL, start_ms, end_ms).order_by("id")
    rows = totals.values_list("id", Coalesce(Subquery(number), 0), "credits")
    return {QuarterSum.start_of(key): (version, credits) for key, version, credits in rows}


def _in_parts(states: dict[int, _State], wanted: Collection[int]) -> Iterator[dict[int, _State]]:
    """The wanted quarter hours in parts of neighbours that have some _ROWS_AT_ONCE."""
    part: dict[int, _State] = {}
    rows = 0
    for start, state in states.items():
        if part and (start not in wanted or rows >= _ROWS_AT_ONCE):
            yield part
            part, rows = {}, 0
        if start in wanted:
            part[start] = state
            rows += state[1]
    if part:
        yield part


_remembered: OrderedDict[tuple[str, str], _Conference] = OrderedDict()
_lock = Lock()


def add_up_days(
    conference_id: str, model: str, start_ms: int | None, end_ms: int | None
) -> SumsOfDays | None:
    """What sharers have under a credit model from `start_ms` on and before `end_ms`, which start quarter
    hours. None: there is more than this process would remember."""
    with _lock:
        conference = _remembered.setdefault((conference_id, model), _Conference(conference_id, model))
        _remembered.move_to_end((conference_id, model))
    found = conference.add_up(start_ms, end_ms)
    with _lock:
        while sum(each.rows for each in _remembered.values()) > MOST_ROWS:
            _remembered.popitem(last=False)
    return found
