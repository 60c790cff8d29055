"""Reading held reports and what was decided about them."""

from django.db.models import QuerySet

from analytics.models import Event
from analytics.store import find_events_of_registrations


def find_held(conference_id: str) -> QuerySet[Event]:
    """The held reports of a conference that still wait for a decision, in the order of their keys."""
    return find_events_of_registrations(conference_id).filter(hold=Event.Hold.HELD).order_by("id")
