"""Queries for announcements."""

from django.db.models import QuerySet

from conferences.models import Conference
from notifications.models import Announcement


def list_announcements(conference: Conference) -> QuerySet[Announcement]:
    """Return the announcements of a conference, newest first."""
    return Announcement.objects.filter(conference_id=conference.id)
