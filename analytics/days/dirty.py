"""Marks of the days that must be recomputed. A mark is a row of its own; see the model DirtyDay."""

import datetime as dt
import uuid
from collections.abc import Iterable

from django.utils import timezone

from analytics.models import DailySummary, DirtyDay, Segment

# The ids of one `__in`; SQLite, PostgreSQL and MongoDB all take that many.
_CHUNK = 500


def mark_days_dirty(days: Iterable[tuple[str, dt.date]]) -> None:
    """Mark (conference id, local date) pairs. Call it after the change is committed, never before."""
    now = timezone.now()
    DirtyDay.objects.bulk_create(
        [
            DirtyDay(id=uuid.uuid4().hex, conference_id=conference_id, local_date=date, marked_at=now)
            for conference_id, date in days
        ]
    )


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
    """Have the segments made again that depend on a day whose summary was just written: its own, and the next
    day's, whose first visits may have begun in the evening (analytics/ranges/segments.py)."""
    keys = [DailySummary.key(conference_id, day) for day in (date, date + dt.timedelta(days=1))]
    Segment.objects.filter(id__in=keys).update(is_stale=True, change=uuid.uuid4().hex)
