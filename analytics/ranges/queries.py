"""The questions of a summary, as SQL over segments. What each number means: docs/definitions.md.

A visit that crosses midnight is in the segments of both days. `parts` has those visits; all others need
nothing of it. Without filters, what adds up is the sum of the days' facts, and no row is read for it.
"""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analytics.ranges.building import VISIT_COLUMNS, with_visits
from analytics.ranges.columns import CONTEXT_COLUMNS, DIMENSIONS, ENTRY_PAGE, SOURCE_COLUMNS, VISIT_MS
from analytics.ranges.engine import quote
from analytics.ranges.facts import COUNTED, count_by, read_facts
from analytics.ranges.filters import CONTAINS, Filter
from analytics.ranges.results import PANELS
from analytics.ranges.rows import DayRow, HourRow, Occurrence, Panel, PanelRow, PeriodRow, Visits
from analytics.ranges.segments import Day

if TYPE_CHECKING:
    import duckdb

STEPS = ("page_view", "share_open", "registration", "checkin")
# What is counted: other columns are not copied when visits are chosen.
_READ = sorted(
    {"day", "hour", "type", "is_counted", "visitor", *VISIT_COLUMNS} - {"goes_on", "is_late"}
    | {DIMENSIONS[dimension] for dimension in PANELS.values() if dimension != ENTRY_PAGE}
)
# By column: where the number of page views is that a row stands for.
_VIEWS_OF = dict.fromkeys(CONTEXT_COLUMNS, "context_views") | dict.fromkeys(SOURCE_COLUMNS, "source_views")


class Range:
    """The events of a range, opened for questions. One for each request, on a cursor of its own.

    days: those that have events. first: the first day, before which no visit begins here. until: only events
    before it count (UTC ms), on the last day that has any.
    """

    def __init__(
        self,
        cursor: "duckdb.DuckDBPyConnection",
        days: Sequence[Day],
        *,
        first: dt.date,
        filters: Sequence[Filter] = (),
        until: tuple[dt.date, int] | None = None,
    ) -> None:
        self._cursor = cursor
        self._first = first
        self._is_filtered = bool(filters)
        # Whether whoever is left has a page view among the events that are left: most of a range are views,
        # and this saves counting their visitors twice.
        self._has_viewed = not filters or any(item.dimension != "channel" for item in filters)
        self._counted: Visits | None = None
        whole = [day for day in days if until is None or day.date < until[0]]
        self._facts = {day.date: day.facts for day in whole}
        files = ", ".join(quote(day.path) for day in whole)
        sources = [f"SELECT * FROM read_parquet([{files}])"] if whole else []  # noqa: S608  files of ours
        for day in days:
            if until is not None and day.date == until[0]:
                self._cut(day, until[1])
                sources.append("SELECT * FROM cut")
        self.is_empty = not sources
        if self.is_empty:
            return
        self._run(f"CREATE TEMP VIEW segments AS {' UNION ALL BY NAME '.join(sources)}")
        self._events = "segments"
        self._join_visits()
        if filters:
            self._choose(filters)

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._cursor.execute(statement, list(parameters)).fetchall()

    def _cut(self, day: Day, until_ms: int) -> None:
        """Take a day without what came later, and find its visits again."""
        stored = f"read_parquet({quote(day.path)})"
        others = f"SELECT * EXCLUDE ({', '.join(VISIT_COLUMNS)}) FROM {stored}"  # noqa: S608
        events = f"({others} WHERE ts < {until_ms:d})"
        # `goes_on` holds for the first visit of a visitor on that day, which the cut may shorten, not move.
        gone_on = f"(SELECT DISTINCT visitor, visit AS ts FROM {stored} WHERE goes_on)"  # noqa: S608
        visits = with_visits(events, gone_on, ends_ms=until_ms + VISIT_MS)  # none goes on after it
        self._run(f"CREATE TEMP TABLE cut AS {visits}")
        self._facts[day.date] = read_facts(self._cursor, "cut")

    def _join_visits(self) -> None:
        """Find the visits that cross a midnight of the range, and their parts: `parts`, by their root."""
        self._has_parts = any(facts.gone_on for date, facts in self._facts.items() if date > self._first)
        if not self._has_parts:
            return
        first = f"{quote(self._first.isoformat())}::DATE"
        self._run(
            "CREATE TEMP TABLE parts AS "  # noqa: S608
            "SELECT *, min(visit) OVER (PARTITION BY visitor, number) AS root FROM ("
            "  SELECT visitor, visit, day, visit_end, visit_events, visit_views,"
            f"    sum(CASE WHEN goes_on AND day > {first} THEN 0 ELSE 1 END)"
            "    OVER (PARTITION BY visitor ORDER BY visit) AS number"
            "  FROM segments WHERE is_first AND (goes_on OR is_late)) "
            "QUALIFY count(*) OVER (PARTITION BY visitor, number) > 1"
        )
        # Parts that begin with a page view which is not the first one of its visit.
        self._run(
            "CREATE TEMP TABLE entered AS SELECT visitor, visit FROM parts WHERE visit_views > 0 "
            "QUALIFY row_number() OVER (PARTITION BY visitor, root ORDER BY visit) > 1"
        )

    def _choose(self, filters: Sequence[Filter]) -> None:
        """Keep the visits that contain a match of each filter."""
        matches, parameters = [], []
        for item in filters:
            source, column, condition = self._rows_of(item.dimension, events="segments")
            if item.operator == CONTAINS:
                condition += f" AND contains(lower({column}), lower(?))"
            else:
                condition += f" AND {column} = ?"
            parameters.append(item.value)
            found = f"SELECT visitor, visit FROM {source} WHERE visitor IS NOT NULL AND {condition}"  # noqa: S608
            matches.append(self._rooted(found))
        self._run("CREATE TEMP TABLE chosen AS " + " INTERSECT ".join(matches), parameters)
        visits = "SELECT visitor, root AS visit FROM chosen"
        if self._has_parts:
            visits += " UNION ALL SELECT visitor, visit FROM parts SEMI JOIN chosen USING (visitor, root)"
        self._run(
            "CREATE TEMP VIEW kept AS "  # noqa: S608
            f"SELECT * FROM segments SEMI JOIN ({visits}) USING (visitor, visit)"
        )
        self._run(f"CREATE TEMP TABLE filtered AS SELECT {', '.join(_READ)} FROM kept")  # noqa: S608
        self._events = "filtered"

    def _rooted(self, visits: str) -> str:
        """SQL of visits (visitor, visit) as (visitor, root)."""
        if not self._has_parts:
            return f"SELECT visitor, visit AS root FROM ({visits})"  # noqa: S608
        return (
            "SELECT visitor, coalesce(parts.root, found.visit) AS root "  # noqa: S608
            f"FROM ({visits}) AS found LEFT JOIN parts USING (visitor, visit)"
        )

    def _rows_of(self, dimension: str, *, events: str) -> tuple[str, str, str]:
        """What has a dimension's values: SQL of a source, a column, and a condition.

        Of contexts and sources there is a row for each value that a visit has, not for each page view.
        """
        if dimension == ENTRY_PAGE:
            is_later = " ANTI JOIN entered USING (visitor, visit)" if self._has_parts else ""
            return f"{events}{is_later}", "page", "is_entry"
        column = DIMENSIONS[dimension]
        if dimension == "channel":
            return events, column, "type = 'share'"
        views = _VIEWS_OF.get(column)
        return events, column, f"{views} > 0" if views else "type = 'page_view'"

    def _visits(self) -> str:
        """SQL of the visits: visitor, root, day, visit_end, visit_events, visit_views."""
        columns = "day, visit_end, visit_events, visit_views"
        if not self._has_parts:
            return f"SELECT visitor, visit AS root, {columns} FROM {self._events} WHERE is_first"  # noqa: S608
        chosen = " SEMI JOIN chosen USING (visitor, root)" if self._is_filtered else ""
        return (
            f"SELECT visitor, visit AS root, {columns} FROM {self._events} "  # noqa: S608
            "ANTI JOIN parts USING (visitor, visit) WHERE is_first "
            "UNION ALL SELECT visitor, root, min(day), max(visit_end), sum(visit_events), sum(visit_views) "
            f"FROM parts{chosen} GROUP BY visitor, root"
        )

    def count(self) -> Visits:
        if self._counted is None:
            self._counted = Visits() if self.is_empty else self._count()
        return self._counted

    def _count(self) -> Visits:
        uv, visits, bounces, duration = self._run(
            "SELECT count(DISTINCT visitor) FILTER (visit_views > 0), count(*), "  # noqa: S608
            "count(*) FILTER (visit_events = 1 AND visit_views = 1), "
            f"coalesce(sum(visit_end - root), 0) FROM ({self._visits()})"
        )[0]
        pv, share_opens, registrations, checkins = self._sum_events()
        return Visits(pv, uv, visits, bounces, int(duration), share_opens, registrations, checkins)

    def _sum_events(self) -> tuple[int, int, int, int]:
        """Page views, opens, registrations, check-ins."""
        if self._is_filtered:
            pv, share_opens, registrations, checkins = self._run(
                "SELECT count(*) FILTER (type = 'page_view'), count(*) FILTER (type = 'share_open'), "  # noqa: S608
                f"{COUNTED} FROM {self._events}"
            )[0]
            return pv, share_opens, registrations, checkins
        days = self._facts.values()
        return (
            sum(day.pv for day in days),
            sum(day.share_opens for day in days),
            sum(day.registrations for day in days),
            sum(day.checkins for day in days),
        )

    def count_visitors_with(self, visitors: Sequence[str]) -> int:
        """Distinct visitors of page views, those of a day included whose visitors are given."""
        hashed = "SELECT md5(unnest(?))::UUID AS visitor"
        stored = (
            ""
            if self.is_empty
            else " UNION ALL SELECT visitor FROM segments WHERE is_first AND visit_views > 0"
        )
        return int(self._run(f"SELECT count(DISTINCT visitor) FROM ({hashed}{stored})", [visitors])[0][0])  # noqa: S608

    def count_days(self) -> list[DayRow]:
        """Those of the days that have any."""
        if self._is_filtered and not self.is_empty:
            return self._count_filtered_days()
        return [
            DayRow(
                date, day.pv, day.uv, day.visits - (day.gone_on if date > self._first else 0),
                day.registrations, day.checkins,
            )
            for date, day in sorted(self._facts.items())
        ]  # fmt: skip

    def _count_filtered_days(self) -> list[DayRow]:
        rows = self._run(
            "SELECT day, coalesce(pv, 0), coalesce(uv, 0), coalesce(visits, 0), "  # noqa: S608
            "coalesce(registrations, 0), coalesce(checkins, 0) FROM ("
            f"  {count_by('day', self._events)}"
            f") FULL JOIN (SELECT day, count(*) AS visits FROM ({self._visits()}) GROUP BY day) USING (day) "
            "ORDER BY day"
        )
        return [DayRow(*row) for row in rows]

    def count_hours(self) -> list[HourRow]:
        """Those of the hours that have any."""
        if self._is_filtered and not self.is_empty:
            return [
                HourRow(*row)
                for row in self._run(f"{count_by('day, hour', self._events)} ORDER BY day, hour")
            ]
        return [
            HourRow(date, hour.hour, hour.pv, hour.uv, hour.registrations, hour.checkins)
            for date, day in sorted(self._facts.items())
            for hour in day.hours
        ]

    def count_periods(self, unit: str) -> list[PeriodRow]:
        """The visitors of each week or month that has any. unit: "week" (from Monday) or "month"."""
        if self.is_empty:
            return []
        is_view = "type = 'page_view'" if self._is_filtered else "is_first AND visit_views > 0"
        rows = self._run(
            f"SELECT date_trunc({quote(unit)}, day)::DATE AS starts, count(DISTINCT visitor) "  # noqa: S608
            f"FROM {self._events} WHERE {is_view} GROUP BY starts ORDER BY starts"
        )
        return [PeriodRow(*row) for row in rows]

    def list_events(self, kind: str, *, limit: int, offset: int) -> list[Occurrence]:
        """The events of a type, the latest first; of registrations and check-ins those that count."""
        if self.is_empty:
            return []
        events = "kept" if self._is_filtered else "segments"
        condition = " AND is_counted" if kind in ("registration", "checkin") else ""
        rows = self._run(
            f"SELECT ts, page, referrer, channel, device, browser, app, country FROM {events} "  # noqa: S608
            f"WHERE type = ?{condition} ORDER BY ts DESC, day DESC, place DESC "
            f"LIMIT {limit:d} OFFSET {offset:d}",
            [kind],
        )
        return [Occurrence(*row) for row in rows]

    def count_funnel(self) -> list[int]:
        """Distinct visitors of each of STEPS, of those whose visits are chosen; whichever visit it is in."""
        if self.is_empty:
            return [0] * len(STEPS)
        chosen = (
            " SEMI JOIN (SELECT DISTINCT visitor FROM chosen) USING (visitor)" if self._is_filtered else ""
        )
        kinds = "type = 'share_open' OR is_counted"
        if not self._has_viewed:
            kinds += " OR type = 'page_view'"
        source = f"segments{chosen} WHERE {kinds}"
        found = dict(self._run(f"SELECT type, count(DISTINCT visitor) FROM {source} GROUP BY type"))  # noqa: S608
        if self._has_viewed:
            found["page_view"] = self.count().uv
        return [found.get(step, 0) for step in STEPS]

    def count_panel(self, dimension: str, *, limit: int) -> Panel:
        """The values of a dimension with most page views (of `channel`: shares; of `entry_page`: visits).

        limit: 0 for all. What is not known is left out, except for the group.
        """
        if self.is_empty:
            return Panel([], 0, 0)
        source, column, condition = self._rows_of(dimension, events=self._events)
        views = _VIEWS_OF.get(column)
        number = f"sum({views})" if views else "count(*)"
        rows = self._run(
            "WITH grouped AS ("  # noqa: S608
            f"  SELECT {column} AS value, {number} AS count, count(DISTINCT visitor) AS visitors"
            f"  FROM {source} WHERE {condition} AND {column} <> '' GROUP BY value) "
            "SELECT value, count, visitors, sum(count) OVER (), count(*) OVER () "
            f"FROM grouped ORDER BY count DESC, value {f'LIMIT {limit:d}' if limit else ''}"
        )
        total, values = (int(rows[0][3]), rows[0][4]) if rows else (0, 0)
        found = [PanelRow(*row[:3]) for row in rows]
        return Panel(found, total - sum(row.count for row in found), values - len(found))
