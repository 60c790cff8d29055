"""Marks of the days that must be recomputed. A mark is a row of its own; see the model DirtyDay."""

import datetime as dt
import uuid
from collections.abc import Iterable
from itertools import chain

from django.db import connections, router
from django.utils import timezone

from analytics.models import DailySummary, DirtyDay, Segment

# The ids of one `__in`, and the marks of one statement; SQLite, PostgreSQL and MongoDB all take that many.
_CHUNK = 500
_INSERT = f"INSERT INTO {DirtyDay._meta.db_table} (_id, conference_id, local_date, marked_at) VALUES "  # noqa: S608


def mark_days_dirty(days: Iterable[tuple[str, dt.date]]) -> None:
    """Mark (conference id, local date) pairs. Call it after the change is committed, never before."""
    now = timezone.now()
    connection = connections[router.db_for_write(DirtyDay)]
    if connection.vendor == "mongodb":
        DirtyDay.objects.bulk_create(
            [
                DirtyDay(id=uuid.uuid4().hex, conference_id=conference_id, local_date=date, marked_at=now)
                for conference_id, date in days
            ]
        )
        return
    # Each delivery has marks; the ORM takes longer to make them than a database to insert them.
    marked_at = connection.ops.adapt_datetimefield_value(now)
    rows = [(uuid.uuid4().hex, conference_id, date.isoformat(), marked_at) for conference_id, date in days]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            places = ", ".join(["(%s, %s, %s, %s)"] * len(chunk))
            cursor.execute(_INSERT + places, list(chain.from_iterable(chunk)))


def mark_conference_dirty(conference_id: str) -> str:
    """Have all events of a conference redated and its registrations judged again. Returns the mark's id."""
    mark = DirtyDay.objects.create(
        id=uuid.uuid4().hex, conference_id=conference_id, local_date=None, marked_at=timezone.now()
    )
    return mark.id


def clear_marks(ids: list[str]) -> None:
    """Delete exactly these marks, which were read before the work that they asked for."""
    for start in range(0, len(ids), _CHUNK):
        DirtyDay.objects.filter(id__in=ids[start : start + _CHUNK]).delete()


def mark_segments_stale(conference_id: str, date: dt.date) -> None:
    """Have the segment made again of a day whose summary was just written (analytics/ranges/segments.py)."""
    key = DailySummary.key(conference_id, date)
    Segment.objects.filter(id=key).update(is_stale=True, change=uuid.uuid4().hex)
