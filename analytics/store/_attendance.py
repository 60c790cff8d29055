"""What is known of registrations, over all days: read by indexes that have nothing of page views in them."""

from collections.abc import Collection, Iterator

from django.db import connections, router
from django.db.models import QuerySet

from analytics.models import Event

# Of registrations and their check-ins. Whose `subject` is the registration.
ATTENDANCE_TYPES = frozenset({"checkin", "checkin_undone", "registration", "registration_standing"})

# Written out, not as parameters: SQLite takes a partial index only if it sees the index's own condition.
_OF_REGISTRATIONS = f"type IN ({', '.join(repr(name) for name in sorted(ATTENDANCE_TYPES))})"
# The values of one `__in`; SQLite, PostgreSQL and MongoDB all take that many.
_AT_ONCE = 500


def find_events_of_registrations(conference_id: str) -> QuerySet[Event]:
    """All events of ATTENDANCE_TYPES of a conference, in no order."""
    events = Event.objects.filter(conference_id=conference_id).order_by()
    if connections[router.db_for_read(Event)].vendor == "mongodb":
        return events.filter(type__in=sorted(ATTENDANCE_TYPES))
    return events.extra(where=[_OF_REGISTRATIONS])  # noqa: S610  constants


def find_events_of(conference_id: str, subjects: Collection[str]) -> Iterator[QuerySet[Event]]:
    """All events of these registrations, bots' left out, in some querysets."""
    events = find_events_of_registrations(conference_id).filter(is_bot=False)
    for some in _chunks(subjects):
        yield events.filter(subject__in=some)


def find_registrations_by(conference_id: str, visitor_ids: Collection[str]) -> Iterator[QuerySet[Event]]:
    """The events of type `registration` of these visitors, bots' left out, in some querysets."""
    events = Event.objects.filter(conference_id=conference_id, type="registration", is_bot=False).order_by()
    for some in _chunks(visitor_ids):
        yield events.filter(visitor_id__in=some)


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
