"""MongoDB: unordered insert_many; duplicates come back as errors with their place."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from bson.errors import BSONError
from django.db import DataError, connections
from pymongo.errors import BulkWriteError

from analytics.rows import EventRow
from analytics.store._columns import TABLE

_DUPLICATE_KEY = 11000


def insert_new(rows: Sequence[EventRow], *, using: str) -> set[str]:
    """See analytics.store.insert_new. The connection's own errors become Django's by its wrapper."""
    connection: Any = connections[using]  # the backend's own class
    documents = [_document(row) for row in rows]
    with connection.wrap_database_errors:
        collection = connection.get_collection(TABLE)
        try:
            collection.insert_many(documents, ordered=False)
        except BSONError as error:
            raise DataError(str(error)) from error
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            other = [item for item in refused if item["code"] != _DUPLICATE_KEY]
            if other:
                raise DataError(other[0]["errmsg"]) from error
            known = {rows[item["index"]].event_id for item in refused}
            return {row.event_id for row in rows} - known
    return {row.event_id for row in rows}


def _document(row: EventRow) -> dict[str, object]:
    """The row as the backend's own fields write it: dates as midnight UTC, JSON as documents."""
    date = row.local_date
    return {
        "_id": row.event_id,
        "conference_id": row.conference_id,
        "type": row.type,
        "ts": dt.datetime.fromtimestamp(row.ts_ms / 1000, dt.UTC),
        "received_at": dt.datetime.fromtimestamp(row.received_ms / 1000, dt.UTC),
        "local_date": date and dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC),
        "visitor_id": row.visitor_id,
        "session_id": row.session_id,
        "subject": row.subject,
        "is_bot": row.is_bot,
        "data": msgspec.json.decode(row.data),
        "properties": msgspec.json.decode(row.properties),
    }
