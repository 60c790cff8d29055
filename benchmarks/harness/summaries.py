"""Questions about ranges, timed in one process of ours: best wall-clock, median processor time."""

import datetime as dt
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.core.cache import cache
from django.core.files.storage import storages
from django.utils import timezone

from analytics import preparing
from analytics.api.kept import Asked, read_summary
from analytics.api.summary import encode
from analytics.days.dirty import mark_days_dirty
from analytics.days.summaries import compute_day, compute_range, refresh_dirty_days
from analytics.models import Event, Segment
from analytics.ranges.columns import version
from analytics.ranges.filters import Filter
from analytics.ranges.queries import count_range
from analytics.ranges.results import PANELS, Summary
from analytics.ranges.segments import MAX_AGE, PATIENCE, ensure_days, make_segment
from analytics.selectors.answers import note_watched
from analytics.selectors.summary import USUAL_DAYS, get_summary
from benchmarks.harness.report import median
from benchmarks.harness.timing import Times, repeat, spend, summarise
from conferences.models import Conference

DAYS = 30
_AT_ONCE = 10


class Questions:
    """A conference with 30 days of page views, the last of which is today.

    repeat: how often each is asked. All days have segments when this is made.
    """

    def __init__(self, conference_id: str, *, repeat: int) -> None:
        named = {"name": "Bench", "time_zone": "UTC"}  # its events have the days of UTC
        self.conference, _ = Conference.objects.update_or_create(id=conference_id, defaults=named)
        self.repeat = repeat
        self._pool = ThreadPoolExecutor(_AT_ONCE)  # threads keep their connections
        self.today = timezone.now().date()
        self.first = self.today - dt.timedelta(days=DAYS - 1)

    def build(self) -> dict[str, float]:
        """Make all segments. Processor time is per event; the size is of all files."""
        compute_range(self.conference.id, self.first, self.today)
        spent = spend(lambda: preparing.make_segments(self.conference.id, self.first, self.today))
        segments = Segment.objects.filter(conference_id=self.conference.id, version=version())
        rows = sum(segments.values_list("rows", flat=True))
        size = sum(storages["segments"].size(name) for name in segments.values_list("name", flat=True))
        return {
            "seconds": spent["wall_ms"] / 1000,
            "cpu_us_per_event": 1000 * spent["cpu_ms"] / rows,
            "megabytes": size / 1e6,
        }

    def ask(self, first: dt.date, last: dt.date, **options: Any) -> Summary:
        return get_summary(self.conference, first=first, last=last, **options)

    def usual(self) -> list[tuple[dt.date, dt.date]]:
        """today, yesterday, 7, 28, 90 days, all."""
        yesterday = self.today - dt.timedelta(days=1)
        ranges = [(self.today - dt.timedelta(days=days - 1), self.today) for days in USUAL_DAYS]
        return [(yesterday, yesterday), *ranges, (self.first, self.today)]

    def read(self, first: dt.date, last: dt.date) -> bytes:
        """The answer of the API, with what it is compared with."""
        return read_summary(Asked(self.conference, first, last, (), True, tuple(PANELS), 10), encode)[1]

    def cold(self, **options: Any) -> Times:
        """A range that is none of the usual ones, asked by somebody for the first time."""

        def ask() -> None:
            cache.clear()
            self.ask(self.first, self.today - dt.timedelta(days=1), **options)

        return repeat(ask, self.repeat)

    def totals(self) -> Times:
        last = self.today - dt.timedelta(days=1)
        days = ensure_days(self.conference.id, self.first, last, today=self.today)

        return repeat(lambda: count_range(days, has_hours=False), self.repeat)

    def prepare(self) -> Times:
        """What the worker does when today changed while somebody looks: its segment and the answers."""
        times = []
        for number in range(self.repeat):
            self._add_event(timezone.now(), f"prepare-{number}-{time.monotonic_ns()}")
            compute_day(self.conference.id, self.today)
            cache.clear()
            note_watched(self.conference.id)
            past = timezone.now() - 2 * MAX_AGE  # its time has come
            Segment.objects.filter(conference_id=self.conference.id, date=self.today).update(built_at=past)
            times.append(spend(lambda: preparing.remake_stale_segments(max_seconds=600)))
        return summarise(times)

    def share_of_a_core(self, prepare: Times) -> float:
        """What today's segment and the answers cost while somebody looks."""
        rest = max(MAX_AGE.total_seconds(), PATIENCE * prepare["cpu_ms"] / 1000)
        return prepare["cpu_ms"] / 1000 / rest

    def prepared(self) -> Times:
        """The slowest of the usual ranges with what it is compared with, after the worker prepared them."""
        found = [repeat(partial(self.read, first, last), self.repeat) for first, last in self.usual()]
        return max(found, key=lambda times: times["wall_ms"])

    def lagging(self) -> Times:
        """28 days when today has just got an event that its segment lacks: totals are exact at once."""
        ends = self.today - dt.timedelta(days=27), self.today
        self.read(*ends)
        times = []
        for _ in range(self.repeat):
            self._add_event(timezone.now(), f"lagging-{time.monotonic_ns()}")
            mark_days_dirty([(self.conference.id, self.today)])
            times.append(spend(lambda: self.read(*ends)))
        refresh_dirty_days()
        return summarise(times)

    def late_event(self) -> dict[str, float]:
        """A page view of ten days ago, to its day's segment; and how many segments that costs."""
        make_segment(self.conference.id, self.today)  # or it would count, too
        date = self.today - dt.timedelta(days=10)
        noon = dt.datetime.combine(date, dt.time(12), dt.UTC)
        self._add_event(noon, f"late-{time.monotonic_ns()}")
        compute_day(self.conference.id, date)
        cache.clear()  # nobody looks
        before = set(Segment.objects.values_list("name", flat=True))
        spent = spend(preparing.remake_stale_segments)
        made = len(set(Segment.objects.values_list("name", flat=True)) - before)
        day = spend(lambda: make_segment(self.conference.id, date))
        return {"segments": made, **spent, "one_day_cpu_ms": day["cpu_ms"]}

    def at_once(self, ask: Callable[[int], Any]) -> float:
        """The slowest of ten who ask at the same moment, ms."""
        times = self._pool.map(lambda number: spend(lambda: ask(number))["wall_ms"], range(_AT_ONCE))
        return max(times)

    def ten_prepared(self) -> Times:
        """Ten at once and one alone, for the usual ranges."""
        usual = self.usual()
        alone = self.prepared()["wall_ms"]

        def ask(number: int) -> None:
            self.read(*usual[number % len(usual)])

        self.at_once(ask)  # connections to Redis and the database
        return {"alone_ms": alone, "slowest_ms": median(self.at_once(ask) for _ in range(self.repeat))}

    def ten_lagging(self) -> Times:
        """The same right after today got an event."""
        usual = self.usual()

        def add(number: int) -> None:
            self._add_event(timezone.now(), f"ten-{number}-{time.monotonic_ns()}")
            mark_days_dirty([(self.conference.id, self.today)])

        def ask(number: int) -> None:
            self.read(*usual[number % len(usual)])

        alone, at_once = [], []
        for number in range(self.repeat):
            add(number)
            alone.append(max(spend(lambda r=r: self.read(*r))["wall_ms"] for r in usual))
            add(number)
            at_once.append(self.at_once(ask))
        refresh_dirty_days()
        return {"alone_ms": median(alone), "slowest_ms": median(at_once)}

    def ten_cold(self, *, same: bool) -> Times:
        """Ten at once and one alone, for a range that nobody asked for before: the same, or ten others."""

        def ask(number: int) -> None:
            first = self.first + dt.timedelta(days=0 if same else number % 5)
            filters = [] if same else [Filter("country", "is", ("CN", "DE", "SG")[number % 3])]
            self.ask(first, self.today - dt.timedelta(days=1), filters=filters)

        cache.clear()
        alone = spend(lambda: ask(0))["wall_ms"]
        cache.clear()
        return {"alone_ms": alone, "slowest_ms": self.at_once(ask)}

    def _add_event(self, at: dt.datetime, id: str) -> None:
        Event.objects.create(
            id=f"{id}/{self.conference.id}", conference_id=self.conference.id, type="page_view", ts=at,
            received_at=at, local_date=at.date(), visitor_id=id, session_id="", subject=id, is_bot=False,
            is_attendance=False, data={"page": "/late"}, properties={},
        )  # fmt: skip


def measure(conference_id: str, *, repeat: int) -> None:
    """Print everything, as JSON."""
    asked = Questions(conference_id, repeat=repeat)
    wechat, page = Filter("app", "is", "WeChat"), Filter("page", "contains", "e-2")
    found: dict[str, Any] = {"build": asked.build()}
    whole = asked.ask(asked.first, asked.today)
    quarter = asked.ask(asked.first, asked.today, filters=[page])
    found["counted"] = {
        "pv": whole.totals.pv, "uv": whole.totals.uv, "visits": whole.totals.visits,
        "visits_of_contains": quarter.totals.visits,
    }  # fmt: skip
    found["totals"] = asked.totals()
    found["cold"] = asked.cold()
    found["filtered"] = asked.cold(filters=[wechat])
    found["contains"] = asked.cold(filters=[page])
    found["prepare"] = asked.prepare()
    found["share_of_a_core"] = asked.share_of_a_core(found["prepare"])
    found["prepared"] = asked.prepared()
    found["ten_prepared"] = asked.ten_prepared()
    found["lagging"] = asked.lagging()
    found["ten_lagging"] = asked.ten_lagging()
    found["ten_cold"] = asked.ten_cold(same=True)
    found["ten_different_cold"] = asked.ten_cold(same=False)
    found["late_event"] = asked.late_event()
    found["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def measure_again(conference_id: str, *, repeat: int) -> None:
    """What could depend on how much other conferences have stored."""
    asked = Questions(conference_id, repeat=repeat)
    found = {"cold": asked.cold(), "prepare": asked.prepare(), "prepared": asked.prepared()}
    print(json.dumps({**found, "lagging": asked.lagging(), "late_event": asked.late_event()}))
