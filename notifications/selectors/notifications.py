"""Reading the outbox."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import Http404

from conferences.access import Role, get_conference
from conferences.models import Conference
from notifications.models import Notification

# Who is written to, and what about, is for those who run the conference; viewers see figures.
READ_ROLE = Role.HELPER


def list_notifications(conference: Conference, **filters: Any) -> QuerySet[Notification]:
    """The conference's notifications, newest first; `filters` by field."""
    return Notification.objects.filter(conference_id=conference.id, **filters)


def get_notification(user: User | AnonymousUser, notification_id: Any) -> Notification:
    """The only door for a notification's id that a user supplies. Raises Http404 or PermissionDenied."""
    row = Notification.objects.filter(pk=notification_id).first()
    if row is None:
        raise Http404("There is no such notification in a conference that you are a member of.")
    try:
        get_conference(user, row.conference_id, role=READ_ROLE)
    except Http404:
        # In the same words: who is no member learns nothing, not even that the id exists.
        raise Http404("There is no such notification in a conference that you are a member of.") from None
    return row
