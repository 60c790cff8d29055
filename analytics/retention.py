"""Retention of events: day by day, the oldest first, each sealed before its events go.

What decides about registrations and credits stays until the conference is deleted (LASTING_TYPES). The
summaries of days stay; segments go with the events, since they tell of single visitors.
"""

import datetime as dt
import time
from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from analytics.days.summaries import compute_day
from analytics.days.zones import zone_version
from analytics.event_types import LASTING_TYPES
from analytics.models import AppliedSettings, DirtyDay, Event
from analytics.preparing import delete_segment
from conferences.models import Conference
from conferences.services.retention import Kind, keeps
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

_ROWS_AT_ONCE = 1_000


def _deletable(conference_id: str) -> QuerySet[Event]:
    return Event.objects.filter(conference_id=conference_id).exclude(type__in=LASTING_TYPES)


def _days(conference: Conference, before: dt.date) -> Iterator[dt.date]:
    """The local days before a date that have events to delete; each costs a look into an index."""
    events = _deletable(conference.id).filter(local_date__lt=before).order_by("local_date")
    since = dt.date.min
    while (
        date := events.filter(local_date__gte=since).values_list("local_date", flat=True).first()
    ) is not None:
        yield date
        since = date + dt.timedelta(days=1)


def count_events(conference: Conference, before: dt.date) -> Iterator[tuple[dt.date, int]]:
    """See conferences.services.retention.Kind."""
    for date in _days(conference, before):
        yield date, _deletable(conference.id).filter(local_date=date).count()


def delete_events(conference: Conference, before: dt.date, until: float) -> tuple[int, bool]:
    """See conferences.services.retention.Kind. A day that must be computed yet waits, with all later ones."""
    deleted = 0
    for date in _days(conference, before):
        if not _seal(conference, date):
            break
        delete_segment(conference.id, date)
        of_day = _deletable(conference.id).filter(local_date=date)
        while keys := list(of_day.order_by().values_list("id", flat=True)[:_ROWS_AT_ONCE]):
            Event.objects.filter(id__in=keys).delete()
            deleted += len(keys)
            if time.monotonic() > until:
                return deleted, False
    return deleted, True


def _seal(conference: Conference, date: dt.date) -> bool:
    """Compute the day once more from all its events, then seal it. Returns False if it has to wait."""
    sealed = conference.events_deleted_before
    if sealed is not None and date < sealed:
        return True  # a run before this one was interrupted
    if not _is_settled(conference, date):
        log.info("retention_waits", conference_id=conference.id, date=date.isoformat())
        return False
    compute_day(conference.id, date, close=True)
    following = date + dt.timedelta(days=1)
    Conference.objects.filter(
        Q(events_deleted_before=None) | Q(events_deleted_before__lt=following), id=conference.id
    ).update(events_deleted_before=following)
    conference.events_deleted_before = following
    return True


def _is_settled(conference: Conference, date: dt.date) -> bool:
    """Whether nothing waits that may change the day: a mark, or events that must be redated."""
    marks = DirtyDay.objects.filter(Q(local_date=None) | Q(local_date=date), conference_id=conference.id)
    applied = AppliedSettings.objects.filter(
        conference_id=conference.id,
        time_zone=conference.time_zone,
        zone_version=zone_version(conference.time_zone),
    )
    return not marks.exists() and applied.exists()


keeps(Kind("events", _("Events"), "keep_events_days", count_events, delete_events))
