"""Queries for suppressed addresses."""

from django.db.models import Q

from notifications.models import Notification, Suppression, normalise_address


def find_suppression(notification: Notification, *, transactional: bool) -> Suppression | None:
    """Return the entry that stops this message, if there is one."""
    matching = Suppression.objects.filter(
        Q(conference_id="") | Q(conference_id=notification.conference_id),
        channel=notification.channel,
        address=normalise_address(notification.recipient),
    )
    if transactional:
        matching = matching.filter(scope=Suppression.Scope.ALL)
    return matching.first()
