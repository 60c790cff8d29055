"""MongoDB: unordered insert_many; duplicates come back as errors with their index."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from bson.errors import BSONError
from django.db import DataError, OperationalError, connections
from pymongo.errors import BulkWriteError, PyMongoError

from analytics.event_types import ATTENDANCE_TYPES
from analytics.events.rows import EventRow
from analytics.store._columns import TABLE
from analytics.store._counting import DayCount, find_viewers
from analytics.store._presence import TYPES

_DUPLICATE_KEY = 11000


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new. pymongo's errors become Django's here: the backend's own wrapper
    knows none of them.

    Sorted by key, as servers that keep documents locked until the batch is through could otherwise have two
    writers wait for each other.
    """
    connection: Any = connections[using]  # the backend's own class
    ordered = sorted(rows, key=lambda row: row.key)
    documents = [make_document(row) for row in ordered]
    try:
        connection.get_collection(TABLE).insert_many(documents, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        refused = details["writeErrors"]
        other = [item for item in refused if item["code"] != _DUPLICATE_KEY]
        if other:
            raise DataError(other[0]["errmsg"]) from error
        if details.get("writeConcernErrors"):  # stored, but not as safely as was asked for
            raise OperationalError(str(details["writeConcernErrors"])) from error
        return {ordered[item["index"]].key for item in refused}
    except BSONError as error:
        raise DataError(str(error)) from error
    except PyMongoError as error:
        raise OperationalError(str(error)) from error
    return set()


def make_document(row: EventRow) -> dict[str, Any]:
    """The row as the backend's own fields write it: dates as midnight UTC, JSON as documents."""
    date = row.local_date
    return {
        "_id": row.key,
        "conference_id": row.conference_id,
        "type": row.type,
        "ts": dt.datetime.fromtimestamp(row.ts_ms / 1000, dt.UTC),
        "received_at": dt.datetime.fromtimestamp(row.received_ms / 1000, dt.UTC),
        "local_date": date and _midnight(date),
        "visitor_id": row.visitor_id,
        "session_id": row.session_id,
        "subject": row.subject,
        "is_bot": row.is_bot,
        "is_attendance": row.type in ATTENDANCE_TYPES,
        "data": msgspec.json.decode(row.data),
        "properties": msgspec.json.decode(row.properties),
        "hold": row.hold,
        "context": msgspec.json.decode(row.context) if row.context else None,
    }


def read_day(conference_id: str, date: dt.date, *, using: str) -> Iterator[tuple[Any, ...]]:
    """See analytics.store.read_day."""
    connection: Any = connections[using]
    query: dict[str, Any] = {
        "conference_id": conference_id, "local_date": _midnight(date), "is_bot": False, "hold": "",
    }  # fmt: skip
    fields = ("_id", "type", "ts", "visitor_id", "subject", "data", "context")
    try:
        for found in connection.get_collection(TABLE).find(query, fields):
            ts = found["ts"].replace(tzinfo=dt.UTC) if found["ts"].tzinfo is None else found["ts"]
            yield (
                found["_id"],
                found["type"],
                round(ts.timestamp() * 1000),
                *(found.get(name) for name in fields[3:]),
            )
    except PyMongoError as error:
        raise OperationalError(str(error)) from error


def count_day(conference_id: str, date: dt.date, *, using: str) -> dict[str, DayCount]:
    """See analytics.store.count_day.

    Subjects are grouped, then the groups counted: a set of them, as the backend's distinct count makes, must
    fit into one document of 16 MB.
    """
    pipeline: list[dict[str, Any]] = [
        {"$match": {"conference_id": conference_id, "local_date": _midnight(date), "is_bot": False}},
        {"$group": {"_id": {"type": "$type", "subject": "$subject"}, "events": {"$sum": 1}}},
        {"$group": {"_id": "$_id.type", "events": {"$sum": "$events"}, "subjects": {"$sum": 1}}},
    ]
    found = _aggregate(pipeline, using=using)
    return {group["_id"]: DayCount(group["events"], group["subjects"]) for group in found}


def count_present(
    conference_ids: Collection[str],
    dates: Collection[dt.date],
    *,
    since: dt.datetime,
    until: dt.datetime,
    using: str,
) -> dict[str, int]:
    """See analytics.store.count_present. Grouped twice, as in `count_day`."""
    visitor = {"$cond": [{"$eq": ["$type", "page_view"]}, "$subject", "$visitor_id"]}
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "conference_id": {"$in": list(conference_ids)},
                "local_date": {"$in": [_midnight(date) for date in dates]},
                "is_bot": False,
                "type": {"$in": TYPES},
                "ts": {"$gte": since, "$lte": until},
            }
        },
        {"$group": {"_id": {"conference": "$conference_id", "visitor": visitor}}},
        {"$match": {"_id.visitor": {"$ne": ""}}},
        {"$group": {"_id": "$_id.conference", "visitors": {"$sum": 1}}},
    ]
    return {group["_id"]: group["visitors"] for group in _aggregate(pipeline, using=using)}


def _aggregate(pipeline: list[dict[str, Any]], *, using: str) -> list[dict[str, Any]]:
    connection: Any = connections[using]
    try:
        return list(connection.get_collection(TABLE).aggregate(pipeline, allowDiskUse=True))
    except PyMongoError as error:
        raise OperationalError(str(error)) from error


def _midnight(date: dt.date) -> dt.datetime:
    """As the backend keeps dates."""
    return dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)


__all__ = ["count_day", "count_present", "find_viewers", "insert_new", "read_day"]
