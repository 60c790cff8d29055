"""Sealed days: those whose events retention deletes, or has deleted.

A day is sealed before its first event is deleted: `Conference.events_deleted_before` moves past it. From then
on its figures of deleted events are those of its summary, for ever; figures of what is kept (registrations,
check-ins, shares, held reports) are counted as ever, since a registration may still be withdrawn. Nobody adds
such events to a sealed day, nor to one that is about to be sealed (docs/adr/0046).
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence

from django.utils import timezone

from analytics.days.figures import BOTS
from analytics.event_types import EVENT_TYPES, LASTING_TYPES
from analytics.events.rows import EventRow
from conferences.models import Conference

# Younger days are never sealed: events are kept for 30 days at least (conferences/services/retention.py).
_LEAST_AGE = dt.timedelta(days=28)


def _first_unsealed() -> dt.date:
    """Return a date from which on no day of any conference is sealed: spares most days the question."""
    return timezone.now().date() - _LEAST_AGE


def read_sealed_before(conference_id: str) -> dt.date | None:
    """Return the first local day that has its events; None: all have."""
    found = Conference.objects.filter(id=conference_id).values_list("events_deleted_before", flat=True)
    return found.first()


def is_sealed(conference_id: str, date: dt.date) -> bool:
    """Whether events of a local day are deleted. Ask after counting them: a count that missed some because
    they were being deleted finds the day sealed."""
    if date >= _first_unsealed():
        return False
    before = read_sealed_before(conference_id)
    return before is not None and date < before


def keep_former(figures: dict[str, int], former: dict[str, int]) -> dict[str, int]:
    """Return the figures with those of deleted events as they were before."""
    return figures | {name: former.get(name, 0) for name in _figures_of_deleted() if name in figures}


def _figures_of_deleted() -> list[str]:
    names = [
        figure
        for name, event_type in EVENT_TYPES.items()
        if name not in LASTING_TYPES
        for figure in event_type.figures
    ]
    return [*names, BOTS]


def split_expired(rows: Sequence[EventRow]) -> tuple[list[EventRow], int]:
    """Return the rows without those that their conference does not keep, and how many these are.

    Only imports and replayed dead letters bring such rows: events that the door accepts are younger.
    """
    young = _first_unsealed()
    old = [
        row
        for row in rows
        if row.local_date is not None and row.local_date < young and row.type not in LASTING_TYPES
    ]
    if not old:
        return list(rows), 0
    first_kept = _read_first_kept({row.conference_id for row in old})
    expired = {
        id(row)
        for row in old
        if row.conference_id in first_kept and (row.local_date or dt.date.max) < first_kept[row.conference_id]
    }
    return [row for row in rows if id(row) not in expired], len(expired)


def _read_first_kept(conference_ids: Iterable[str]) -> dict[str, dt.date]:
    """By conference that deletes events, or did: the first local day whose events are kept."""
    now = timezone.now()
    found = {}
    for conference_id, time_zone, days, sealed in Conference.objects.filter(
        id__in=list(conference_ids)
    ).values_list("id", "time_zone", "keep_events_days", "events_deleted_before"):
        dates = [sealed] if sealed else []
        if days is not None:
            dates.append(timezone.localdate(now, zoneinfo.ZoneInfo(time_zone)) - dt.timedelta(days=days))
        if dates:
            found[conference_id] = max(dates)
    return found
