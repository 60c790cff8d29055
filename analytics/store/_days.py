"""Reading all events of a day, one after the other, without building objects of them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connections

from analytics.store._columns import TABLE

_AT_ONCE = 2_000
# The milliseconds of `ts`, and JSON as text.
_SELECT = {
    "sqlite": (
        "CAST(strftime('%%s', ts) AS INTEGER) * 1000 + CAST(substr(ts, 21, 3) AS INTEGER)",
        "data",
        "context",
    ),
    "postgresql": ("(extract(epoch FROM ts) * 1000)::bigint", "data::text", "context::text"),
}
_FALSE = {"sqlite": "0", "postgresql": "false"}


def read_day(conference_id: str, date: dt.date, *, using: str) -> Iterator[tuple[Any, ...]]:
    """(key, type, UTC ms, visitor, subject, data, context) of the events of people that are not held.

    data, context: JSON as text, or None.
    """
    connection = connections[using]
    ts, data, context = _SELECT[connection.vendor]
    statement = (
        f"SELECT _id, type, {ts}, visitor_id, subject, {data}, {context} FROM {TABLE} "  # noqa: S608
        f"WHERE conference_id = %s AND local_date = %s AND is_bot = {_FALSE[connection.vendor]} "
        "AND hold = ''"
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, [conference_id, date.isoformat()])
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows
