"""The figures of a range, counted in its segments. What each number means: docs/definitions.md."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from analytics.ranges.building import hash_visitors
from analytics.ranges.columns import CODED, DIMENSIONS, ENTRY_PAGE, VISIT_MS, Dimension
from analytics.ranges.engine import spread
from analytics.ranges.files import FENCES, Array, SegmentFile, read_header
from analytics.ranges.filters import CONTAINS, Filter
from analytics.ranges.parts import Part, Texts, changes, number_visitors, read_texts
from analytics.ranges.results import PANELS, STEPS
from analytics.ranges.rows import (
    Answers,
    DayRow,
    HourRow,
    Occurrence,
    Panel,
    PanelRow,
    PeriodRow,
    Visits,
    start_of,
)
from analytics.ranges.segments import Day

_COUNTED = ("registration", "checkin")  # of which some events count, one for each registration
_HOURS = 26  # of a day, at most
_HOUR_MS = 3_600_000
# Events of a part, about: so its columns fit into a processor's cache.
_PART_EVENTS = 131_072
# Pairs of value and visitor are marked in a table of at most this size, which fits into a cache; else sorted.
_MARKS = 1_048_576
# This many visitors of a range's days are remembered, 16 bytes each.
_REMEMBERED_VISITORS = 1_000_000

Until = tuple[dt.date, int]
# Figures of a part of the visitors by name; those of the parts add up.
Figures = dict[str, Array]
_Found = TypeVar("_Found")


def count_range(
    days: Sequence[Day],
    *,
    filters: Sequence[Filter] = (),
    until: Until | None = None,
    panels: Sequence[str] = (),
    limit: int = 0,
    has_hours: bool = True,
    unit: str = "",
) -> Answers:
    """Everything about a range.

    days: those that have events. until: only events before it count (UTC ms), on the last day that has any.
    panels: names of PANELS. limit: rows of each panel, 0 for all. unit: of periods, "week", "month" or none
    (""). Raises DamagedError.
    """
    if not days:
        return Answers(Visits(), [], [], [0] * len(STEPS), {name: Panel([], 0, 0) for name in panels})
    dimensions = {PANELS[name] for name in panels}
    texts = read_texts(days, _columns_of([*dimensions, *(item.dimension for item in filters)]))
    midnights = np.array([read_header(day.path).midnight_ms for day in days])
    starts = [start_of(unit, day.date) for day in days]
    periods = sorted(set(starts))
    period_of = np.array([periods.index(start) for start in starts]) if unit else None

    def count(part: Part) -> Figures:
        return _Question(part, texts, filters).count(midnights, period_of, dimensions, has_hours=has_hours)

    parts = _each_part(days, texts, until, count)
    figures: Figures = {name: np.sum([part[name] for part in parts], axis=0) for name in parts[0]}
    by_day, by_hour = figures["days"], figures.get("hours", np.zeros((4, 0)))
    dates = [day.date for day in days]
    return Answers(
        Visits(*figures["totals"].tolist()),
        [DayRow(dates[number], *by_day[:, number].tolist()) for number in range(len(days))],
        [
            HourRow(dates[place // _HOURS], place % _HOURS, *by_hour[:, place].tolist())
            for place in np.flatnonzero(by_hour.any(axis=0)).tolist()
        ],
        figures["funnel"].tolist(),
        {name: _top(_values(texts, PANELS[name]), figures[PANELS[name]], limit) for name in panels},
        [PeriodRow(*row) for row in zip(periods, figures["periods"].tolist(), strict=True)] if unit else [],
    )


def list_events(
    days: Sequence[Day], kind: str, *, filters: Sequence[Filter] = (), limit: int, offset: int
) -> list[Occurrence]:
    """The events of a type, the latest first; of registrations and check-ins those that count."""
    if not days:
        return []
    shown = [name for name in Occurrence._fields if name != "ts"]
    texts = read_texts(days, list(CODED))

    def find(part: Part) -> list[Array]:
        question = _Question(part, texts, filters)
        question.choose()
        rows = question.find(kind)
        latest = rows[np.argsort(-part.columns["ts"][rows], kind="stable")][: limit + offset]
        return [part.columns[name][latest] for name in ("ts", *texts)]

    found = [np.concatenate(column) for column in zip(*_each_part(days, texts, None, find), strict=True)]
    latest = np.argsort(-found[0], kind="stable")[offset : offset + limit]
    columns = dict(zip(("ts", *texts), (column[latest] for column in found), strict=True))
    fields = [columns["ts"].tolist()]
    for name in shown:
        column, which = DIMENSIONS[name]
        values, numbers = texts[column].split(which)
        fields.append([values[number] for number in numbers[columns[column]].tolist()])
    return [Occurrence(*event) for event in zip(*fields, strict=True)]


def count_visitors_with(days: Sequence[Day], visitors: Iterable[str]) -> int:
    """Distinct visitors of page views, those of a day included whose visitors are given."""
    of_day = hash_visitors(visitors)
    paths = tuple(day.path for day in days)
    is_small = sum(read_header(day.path).fences[-1] for day in days) <= _REMEMBERED_VISITORS
    stored = (read_viewers if is_small else read_viewers.__wrapped__)(paths)
    high, low = (np.concatenate(halves) for halves in zip(of_day, stored, strict=True))
    _, numbers = number_visitors(high, low)
    return int(numbers[-1]) + 1 if len(numbers) else 0


@lru_cache(maxsize=8)
def read_viewers(paths: Sequence[str]) -> tuple[Array, Array]:
    """The halves of the ids of all who have page views in these segments, whose names stand for one content.

    Remembered, since whoever asks while today's segment lags asks for the same days before it again.
    """
    high, low = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for path in paths:
        with SegmentFile(path) as file:
            count = file.header.fences[-1]
            has_viewed = file.read("has_viewed", 0, count)
            high.append(file.read("high", 0, count)[has_viewed])
            low.append(file.read("low", 0, count)[has_viewed])
    all_high, all_low = np.concatenate(high), np.concatenate(low)
    order, numbers = number_visitors(all_high, all_low)
    firsts = order[changes(numbers)]
    return all_high[firsts], all_low[firsts]


def _each_part(
    days: Sequence[Day], texts: dict[str, Texts], until: Until | None, work: Callable[[Part], _Found]
) -> list[_Found]:
    """Do something for each part of the visitors, on some threads."""
    events = sum(read_header(day.path).rows for day in days)
    parts = 1
    while parts < FENCES and events > parts * _PART_EVENTS:
        parts *= 2
    step = FENCES // parts

    def run(first: int) -> _Found:
        return work(Part(days, texts, first, first + step, until=until))

    firsts = range(0, FENCES, step)
    return [run(0)] if parts == 1 else spread(run, firsts)


def _columns_of(dimensions: Sequence[str]) -> list[str]:
    """Those of CODED that have the values of these dimensions."""
    return sorted({"type", *(_dimension(name).column for name in dimensions)})


def _dimension(name: str) -> Dimension:
    return DIMENSIONS["page" if name == ENTRY_PAGE else name]


def _values(texts: dict[str, Texts], dimension: str) -> list[str]:
    column, which = _dimension(dimension)
    return texts[column].split(which)[0]


def _top(values: list[str], figures: Array, limit: int) -> Panel:
    """The values with the highest counts. What is not known is no value."""
    counts, visitors = figures
    found = sorted(
        (-count, values[number], number)
        for number, count in enumerate(counts.tolist())
        if count and values[number]
    )
    rows = [PanelRow(value, -count, int(visitors[number])) for count, value, number in found[: limit or None]]
    others = found[len(rows) :]
    return Panel(rows, -sum(count for count, _, _ in others), len(others))


class _Question:
    """The events of a part and their visits, of which filters choose some."""

    def __init__(self, part: Part, texts: dict[str, Texts], filters: Sequence[Filter]) -> None:
        self._part, self._texts, self._filters = part, texts, filters
        self._look()

    def _look(self) -> None:
        """Find visits and page views: at first, and when filters chose.

        events: how many are somebody's. visit: of each of these; visits are numbered in the order of events.
        firsts: of each visit.
        """
        self._events = int(np.searchsorted(self._part.who, self._part.visitors))
        ts = self._part.columns["ts"][: self._events]
        is_first = changes(self._part.who[: self._events])
        is_first[1:] |= ts[1:] - ts[:-1] >= VISIT_MS
        self._firsts = np.flatnonzero(is_first)
        self._visit = np.cumsum(is_first, dtype=np.int32) - 1
        self._views = self.find("page_view")
        self._sets: dict[tuple[str, bool], tuple[Array, Array, Array]] = {}

    def find(self, kind: str) -> Array:
        """The events of a type; of registrations and check-ins those that count."""
        values = self._texts["type"].values
        if kind not in values:
            return np.zeros(0, dtype=np.intp)
        found = self._part.columns["type"] == values.index(kind)
        return np.flatnonzero(found & self._part.columns["is_counted"] if kind in _COUNTED else found)

    def choose(self) -> Array | None:
        """Keep the visits that contain a match of each filter. Returns whether each visitor has one."""
        if not self._filters:
            return None
        chosen = np.ones(len(self._firsts), dtype=bool)
        for item in self._filters:
            column, which = _dimension(item.dimension)
            values, numbers = self._texts[column].split(which)
            matches = np.array([_is_match(item, value) for value in values], dtype=bool)[numbers]
            rows = self._somebodys(self._events_of(item.dimension))
            has_match = np.zeros(len(chosen), dtype=bool)
            has_match[self._visit[rows[matches[self._part.columns[column][rows]]]]] = True
            chosen &= has_match
        visitors = self._visitors_of(self._firsts[chosen])
        kept = np.zeros(len(self._part.who), dtype=bool)
        kept[: self._events] = chosen[self._visit]
        self._part.keep(kept)
        self._look()
        return visitors

    def count(
        self, midnights: Array, period_of: Array | None, dimensions: Iterable[str], *, has_hours: bool
    ) -> Figures:
        """The figures by name: totals, days, hours, periods, funnel, and dimensions.

        days: page views, visitors, visits that began, registrations, check-ins; a column for each day. hours:
        without visits, a column for each of _HOURS of each day. Of a dimension: how often each value occurs,
        and its visitors. midnights: when each day begins, UTC ms. period_of: the number of each day's period,
        if they are asked for.
        """
        doers = [self._visitors_of(events) for events in (self._views, *map(self.find, STEPS[1:]))]
        chosen = self.choose()
        funnel = [np.count_nonzero(found if chosen is None else found & chosen) for found in doers]
        part, firsts, days = self._part, self._firsts, len(midnights)
        ts, views = part.columns["ts"], self._views
        viewers = doers[0] if chosen is None else self._visitors_of(views)
        opens, *counted = (self.find(kind) for kind in STEPS[1:])
        ends = np.append(firsts[1:], self._events)[: len(firsts)]
        is_view = np.zeros(len(part.who), dtype=bool)
        is_view[views] = True
        totals = [
            len(views), np.count_nonzero(viewers), len(firsts),
            np.count_nonzero((ends - firsts == 1) & is_view[firsts]), (ts[ends - 1] - ts[firsts]).sum(),
            len(opens), *map(len, counted),
        ]  # fmt: skip
        series = {}
        if has_hours:
            hour = np.clip((ts - midnights[part.day]) // _HOUR_MS, 0, _HOURS - 1) + part.day * _HOURS
            series["hours"] = np.array(self._count_by(hour, days * _HOURS, counted))
        if period_of is not None:
            series["periods"] = self._count_by(period_of[part.day], period_of[-1] + 1, ())[1]
        pv, uv, *attendance = self._count_by(part.day, days, counted)
        return {
            "totals": np.array(totals, dtype=np.int64),
            "days": np.array([pv, uv, np.bincount(part.day[firsts], minlength=days), *attendance]),
            "funnel": np.array(funnel),
            **series,
            **{name: np.array(self._count_values(name)) for name in dimensions},
        }

    def _somebodys(self, events: Array) -> Array:
        return events[: np.searchsorted(events, self._events)]

    def _visitors_of(self, events: Array) -> Array:
        """Whether each visitor has one of these events."""
        found = np.zeros(self._part.visitors + 1, dtype=bool)
        found[self._part.who[events]] = True
        return found[:-1]

    def _events_of(self, dimension: str) -> Array:
        """Those that have the values of a dimension."""
        if dimension == "channel":
            return self.find("share")
        if dimension != ENTRY_PAGE:
            return self._views
        views = self._somebodys(self._views)
        return views[changes(self._visit[views])]

    def _count_by(self, place: Array, places: int, counted: Sequence[Array]) -> list[Array]:
        """Page views, their visitors, and others by place, which never falls among events of a visitor."""
        views = self._somebodys(self._views)
        firsts = views[changes(self._part.who[views]) | changes(place[views])]
        return [np.bincount(place[events], minlength=places) for events in (self._views, firsts, *counted)]

    def _count_values(self, dimension: str) -> tuple[Array, Array]:
        """How often each value of a dimension occurs, and its distinct visitors."""
        column, which = _dimension(dimension)
        values, numbers = self._texts[column].split(which)
        found, with_visitor, who = self._read(column, dimension)
        counts = np.bincount(numbers, weights=found, minlength=len(values)).astype(np.int64)
        return counts, count_distinct(numbers[with_visitor], who, len(values), self._part.visitors)

    def _read(self, column: str, dimension: str) -> tuple[Array, Array, Array]:
        """How often each number of a column occurs, and numbers with visitors: each pair, some repeatedly."""
        key = column, dimension == ENTRY_PAGE
        if key not in self._sets:
            events = self._events_of(dimension)
            numbers = self._part.columns[column][events]
            counts = np.bincount(numbers, minlength=len(self._texts[column].values))
            events = self._somebodys(events)
            who, numbers = self._part.who[events], numbers[: len(events)]
            is_other = changes(who) | changes(numbers)
            self._sets[key] = counts, numbers[is_other], who[is_other]
        return self._sets[key]


def _is_match(item: Filter, value: str) -> bool:
    return item.value.lower() in value.lower() if item.operator == CONTAINS else value == item.value


def count_distinct(numbers: Array, who: Array, values: int, visitors: int) -> Array:
    """The distinct visitors of each number. values, visitors: how many there are."""
    if values * visitors <= _MARKS:
        marks = np.zeros((values, visitors), dtype=bool)
        marks[numbers, who] = True
        found: Array = np.count_nonzero(marks, axis=1)
        return found
    pairs = np.sort(numbers.astype(np.int64) << 32 | who)
    return np.bincount(pairs[changes(pairs)] >> 32, minlength=values)
