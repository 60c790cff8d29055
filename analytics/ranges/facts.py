"""The figures of one day by itself, kept beside its segment. Most figures of a range are sums of these."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import duckdb

COUNTED = (
    "count(*) FILTER (type = 'registration' AND is_counted) AS registrations, "
    "count(*) FILTER (type = 'checkin' AND is_counted) AS checkins"
)


class HourFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """hour: whole ones since the day's midnight."""

    hour: int
    pv: int
    uv: int
    registrations: int
    checkins: int


class Facts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """visits: parts of visits on this day. gone_on: those of them that began the evening before.

    hours: those that have page views, registrations or check-ins.
    """

    pv: int = 0
    uv: int = 0
    share_opens: int = 0
    registrations: int = 0
    checkins: int = 0
    visits: int = 0
    gone_on: int = 0
    hours: list[HourFacts] = []


def count_by(columns: str, source: str) -> str:
    """SQL of page views, their visitors, registrations and check-ins by columns."""
    return (
        f"SELECT {columns}, count(*) FILTER (type = 'page_view') AS pv, "  # noqa: S608
        f"count(DISTINCT visitor) FILTER (type = 'page_view') AS uv, {COUNTED} "
        f"FROM {source} WHERE type = 'page_view' OR is_counted GROUP BY {columns}"
    )


def read_facts(cursor: "duckdb.DuckDBPyConnection", source: str) -> Facts:
    """source: SQL of the rows of one day's segment."""
    row = cursor.execute(
        "SELECT count(*) FILTER (type = 'page_view'), count(DISTINCT visitor) FILTER (type = 'page_view'), "  # noqa: S608
        f"count(*) FILTER (type = 'share_open'), {COUNTED}, "
        f"count(*) FILTER (is_first), count(*) FILTER (is_first AND goes_on) FROM {source}"
    ).fetchone()
    hours = cursor.execute(f"{count_by('hour', source)} ORDER BY hour").fetchall()
    pv, uv, share_opens, registrations, checkins, visits, gone_on = row or (0,) * 7
    return Facts(
        pv, uv, share_opens, registrations, checkins, visits, gone_on, [HourFacts(*hour) for hour in hours]
    )
