"""Queries for announcements."""

from django.db.models import QuerySet

from conferences.models import Conference
from notifications.models import Announcement


def is_cancelled(conference_id: str) -> bool:
    """Whether the latest announcement of a conference says that it does not take place."""
    kinds = Announcement.objects.filter(conference_id=conference_id).values_list("kind", flat=True)
    return kinds.first() == Announcement.Kind.CANCELLED


def list_announcements(conference: Conference) -> QuerySet[Announcement]:
    """Return the announcements of a conference, newest first."""
    return Announcement.objects.filter(conference_id=conference.id)
