"""The questions of a summary, as SQL over segments. What each number means: docs/definitions.md.

A visit that crosses midnight is in the segments of both days. `roots` says of the visitors to whom that
happens which parts belong together; all others need nothing of it.
"""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analytics.ranges.building import VISIT_COLUMNS, with_visits
from analytics.ranges.columns import DIMENSIONS, ENTRY_PAGE
from analytics.ranges.engine import quote
from analytics.ranges.filters import CONTAINS, Filter
from analytics.ranges.rows import DayRow, HourRow, Occurrence, Panel, PanelRow, Visits

if TYPE_CHECKING:
    import duckdb

STEPS = ("page_view", "share_open", "registration", "checkin")
_COUNTED = (
    "count(*) FILTER (type = 'registration' AND is_counted) AS registrations, "
    "count(*) FILTER (type = 'checkin' AND is_counted) AS checkins"
)


class Range:
    """The events of a range, opened for questions. One for each request, on a cursor of its own.

    paths: of the segments' files. first: the first day, before which no visit begins here. until: only events
    before it count (UTC ms), on the last day that has any.
    """

    def __init__(
        self,
        cursor: "duckdb.DuckDBPyConnection",
        paths: Sequence[str],
        *,
        first: dt.date,
        filters: Sequence[Filter] = (),
        until: tuple[dt.date, int] | None = None,
    ) -> None:
        self._cursor = cursor
        self.is_empty = not paths
        self._is_filtered = bool(filters)
        # Whether whoever is left has a page view among the events that are left: most of a range are views,
        # and this saves counting their visitors twice.
        self._has_viewed = not filters or any(item.dimension != "channel" for item in filters)
        self._counted: Visits | None = None
        if self.is_empty:
            return
        files = ", ".join(map(quote, paths))
        source = f"SELECT * FROM read_parquet([{files}])"  # noqa: S608  files of ours
        self._run(f"CREATE TEMP VIEW stored AS {source}")
        kept = _cut(*until) if until else "SELECT * FROM stored"
        self._run(f"CREATE TEMP VIEW segments AS {kept}")
        self._join_visits(first)
        if filters:
            self._choose(filters)

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._cursor.execute(statement, list(parameters)).fetchall()

    def _join_visits(self, first: dt.date) -> None:
        """Find the parts of visits that cross a midnight of the range."""
        self._run(
            "CREATE TEMP TABLE roots AS "
            "SELECT visitor, visit, min(visit) OVER (PARTITION BY visitor, number) AS root FROM ("
            "  SELECT visitor, visit, sum(CASE WHEN goes_on AND day > $first THEN 0 ELSE 1 END)"
            "    OVER (PARTITION BY visitor ORDER BY visit) AS number"
            "  FROM segments WHERE is_first AND visitor IN ("
            "    SELECT visitor FROM segments WHERE is_first AND goes_on AND day > $first))".replace(
                "$first", f"{quote(first.isoformat())}::DATE"
            )
        )
        self._has_roots = self._run("SELECT count(*) FROM roots")[0][0] > 0
        if self._has_roots:
            self._run(
                "CREATE TEMP VIEW joined AS SELECT segments.*, coalesce(roots.root, visit) AS root "
                "FROM segments LEFT JOIN roots USING (visitor, visit)"
            )
        else:
            self._run("CREATE TEMP VIEW joined AS SELECT *, visit AS root FROM segments")
        self._run("CREATE TEMP VIEW everything AS SELECT * FROM joined")
        self._events = "joined"

    def _choose(self, filters: Sequence[Filter]) -> None:
        """Keep the visits that contain a match of each filter."""
        matches, parameters = [], []
        for item in filters:
            if item.dimension == ENTRY_PAGE:
                source, column = f"({self._entries('joined')})", "page"
                condition = "true"
            else:
                source, column = "joined", DIMENSIONS[item.dimension]
                condition = f"type = '{'share' if item.dimension == 'channel' else 'page_view'}'"
            if item.operator == CONTAINS:
                condition += f" AND contains(lower({column}), lower(?))"
            else:
                condition += f" AND {column} = ?"
            parameters.append(item.value)
            matches.append(f"SELECT visitor, root FROM {source} WHERE visitor IS NOT NULL AND {condition}")  # noqa: S608
        self._run("CREATE TEMP TABLE chosen AS " + " INTERSECT ".join(matches), parameters)
        self._run(
            "CREATE TEMP TABLE filtered AS SELECT joined.* FROM joined SEMI JOIN chosen USING (visitor, root)"
        )
        self._events = "filtered"

    def _entries(self, events: str) -> str:
        """SQL of the first page view of each visit."""
        if not self._has_roots:
            return f"SELECT * FROM {events} WHERE is_entry"  # noqa: S608
        return (
            f"SELECT * FROM {events} WHERE is_entry "  # noqa: S608
            "QUALIFY row_number() OVER (PARTITION BY visitor, root ORDER BY visit) = 1"
        )

    def _visits(self) -> str:
        """SQL of the visits: visitor, root, day, visit_end, visit_events, visit_views."""
        if not self._has_roots:
            columns = "visitor, root, day, visit_end, visit_events, visit_views"
            return f"SELECT {columns} FROM {self._events} WHERE is_first"  # noqa: S608
        return (
            "SELECT visitor, root, min(day) AS day, max(visit_end) AS visit_end, "  # noqa: S608
            "sum(visit_events) AS visit_events, sum(visit_views) AS visit_views "
            f"FROM {self._events} WHERE is_first GROUP BY visitor, root"
        )

    def count(self) -> Visits:
        if self._counted is None:
            self._counted = Visits() if self.is_empty else self._count()
        return self._counted

    def _count(self) -> Visits:
        pv, uv, share_opens, registrations, checkins = self._run(
            "SELECT count(*) FILTER (type = 'page_view'), "  # noqa: S608
            "count(DISTINCT visitor) FILTER (type = 'page_view'), "
            "count(*) FILTER (type = 'share_open'), "
            f"{_COUNTED} FROM {self._events}"
        )[0]
        visits, bounces, duration = self._run(
            "SELECT count(*), count(*) FILTER (visit_events = 1 AND visit_views = 1), "  # noqa: S608
            f"coalesce(sum(visit_end - root), 0) FROM ({self._visits()})"
        )[0]
        return Visits(pv, uv, visits, bounces, int(duration), share_opens, registrations, checkins)

    def count_visitors_with(self, visitors: Sequence[str]) -> int:
        """Distinct visitors of page views, those of a day included whose visitors are given."""
        hashed = "SELECT md5(unnest(?))::UUID AS visitor"
        stored = "" if self.is_empty else " UNION SELECT visitor FROM segments WHERE type = 'page_view'"
        return int(self._run(f"SELECT count(DISTINCT visitor) FROM ({hashed}{stored})", [visitors])[0][0])  # noqa: S608

    def count_days(self) -> list[DayRow]:
        """Those of the days that have any."""
        if self.is_empty:
            return []
        rows = self._run(
            "SELECT day, coalesce(pv, 0), coalesce(uv, 0), coalesce(visits, 0), "  # noqa: S608
            "coalesce(registrations, 0), coalesce(checkins, 0) FROM ("
            f"  {self._count_by('day')}"
            f") FULL JOIN (SELECT day, count(*) AS visits FROM ({self._visits()}) GROUP BY day) USING (day) "
            "ORDER BY day"
        )
        return [DayRow(*row) for row in rows]

    def count_hours(self) -> list[HourRow]:
        """Those of the hours that have any."""
        if self.is_empty:
            return []
        return [HourRow(*row) for row in self._run(f"{self._count_by('day, hour')} ORDER BY day, hour")]

    def _count_by(self, columns: str) -> str:
        """SQL of page views, their visitors, registrations and check-ins by columns."""
        return (
            f"SELECT {columns}, count(*) FILTER (type = 'page_view') AS pv, "  # noqa: S608
            f"count(DISTINCT visitor) FILTER (type = 'page_view') AS uv, {_COUNTED} "
            f"FROM {self._events} WHERE type = 'page_view' OR is_counted GROUP BY {columns}"
        )

    def list_events(self, kind: str, *, limit: int, offset: int) -> list[Occurrence]:
        """The events of a type, the latest first; of registrations and check-ins those that count."""
        if self.is_empty:
            return []
        condition = " AND is_counted" if kind in ("registration", "checkin") else ""
        rows = self._run(
            f"SELECT ts, page, referrer, channel, device, browser, app, country FROM {self._events} "  # noqa: S608
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
        if dimension == ENTRY_PAGE:
            source, column = f"({self._entries(self._events)})", "page"
        else:
            kind = "share" if dimension == "channel" else "page_view"
            source, column = f"(SELECT * FROM {self._events} WHERE type = '{kind}')", DIMENSIONS[dimension]  # noqa: S608
        rows = self._run(
            "WITH grouped AS ("  # noqa: S608
            f"  SELECT {column} AS value, count(*) AS count, count(DISTINCT visitor) AS visitors"
            f"  FROM {source} WHERE {column} <> '' GROUP BY value) "
            "SELECT value, count, visitors, sum(count) OVER (), count(*) OVER () "
            f"FROM grouped ORDER BY count DESC, value {f'LIMIT {limit:d}' if limit else ''}"
        )
        total, values = (int(rows[0][3]), rows[0][4]) if rows else (0, 0)
        found = [PanelRow(*row[:3]) for row in rows]
        return Panel(found, total - sum(row.count for row in found), values - len(found))


def _cut(day: dt.date, until_ms: int) -> str:
    """SQL of the segments without what came later on one day, whose visits are found anew."""
    date = f"{quote(day.isoformat())}::DATE"
    others = f"SELECT * EXCLUDE ({', '.join(VISIT_COLUMNS)}) FROM stored"  # noqa: S608
    events = f"({others} WHERE day = {date} AND ts < {until_ms:d})"
    # `goes_on` holds for the first visit of a visitor on that day, which the cut may shorten, not move.
    gone_on = f"(SELECT DISTINCT visitor, visit AS ts FROM stored WHERE day = {date} AND goes_on)"  # noqa: S608
    return (
        f"SELECT * FROM stored WHERE day < {date} "  # noqa: S608
        f"UNION ALL BY NAME SELECT * FROM ({with_visits(events, gone_on)})"
    )
