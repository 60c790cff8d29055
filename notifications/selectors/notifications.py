"""Queries for the outbox."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import Http404

from conferences.access import Role, get_conference
from conferences.models import Conference, Registration
from notifications.models import Notification

# Only people who run the conference may see recipients and messages; viewers see figures.
READ_ROLE = Role.HELPER


def list_notifications(conference: Conference, **filters: Any) -> QuerySet[Notification]:
    """Return the conference's notifications, newest first. `filters` are by field."""
    return Notification.objects.filter(conference_id=conference.id, **filters)


def list_of_person(registration: Registration) -> QuerySet[Notification]:
    """Return the messages to a person about a registration, newest first."""
    found = Notification.objects.filter(registration_id=registration.id)
    return found.filter(conference_id=registration.conference_id)


def get_notification(user: User | AnonymousUser, notification_id: Any) -> Notification:
    """Return the notification with an id that a user supplies. Raises Http404 or PermissionDenied.

    There is no other way to look up such an id.
    """
    row = Notification.objects.filter(pk=notification_id).first()
    if row is None:
        raise Http404("There is no such notification in a conference that you are a member of.")
    try:
        get_conference(user, row.conference_id, role=READ_ROLE)
    except Http404:
        # The same words as for an unknown id, so that non-members cannot learn that it exists.
        raise Http404("There is no such notification in a conference that you are a member of.") from None
    return row
