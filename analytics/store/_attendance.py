"""What is known of registrations, over all days: read by indexes that have nothing of page views in them."""

from collections.abc import Collection, Iterator

from django.db.models import QuerySet

from analytics.models import Event

# The values of one `__in`; SQLite, PostgreSQL and MongoDB all take that many.
_AT_ONCE = 500


def find_events_of(conference_id: str, subjects: Collection[str]) -> Iterator[QuerySet[Event]]:
    """All events of these registrations, those of bots and held ones left out, in some querysets."""
    events = Event.objects.filter(conference_id=conference_id, is_attendance=True, is_bot=False, hold="")
    for some in _chunks(subjects):
        yield events.filter(subject__in=some).order_by()


def find_registrations_by(conference_id: str, visitor_ids: Collection[str]) -> Iterator[QuerySet[Event]]:
    """The events of type `registration` of these visitors, those of bots and held ones left out, in some
    querysets."""
    events = Event.objects.filter(conference_id=conference_id, type="registration", is_bot=False, hold="")
    for some in _chunks(visitor_ids):
        yield events.filter(visitor_id__in=some).order_by()


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
