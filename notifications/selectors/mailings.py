"""Queries for organizers' messages and what became of their copies."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, QuerySet
from django.http import Http404

from conferences.models import Conference
from notifications.models import Mailing, Notification


def list_mailings(conference: Conference) -> QuerySet[Mailing]:
    """Return the messages of a conference, newest first."""
    return Mailing.objects.filter(conference_id=conference.id)


def get_mailing(conference: Conference, mailing_id: Any) -> Mailing:
    """Return a message of a conference. Raises Http404."""
    found = Mailing.objects.filter(pk=mailing_id, conference_id=conference.id).first()
    if found is None:
        raise Http404("There is no such message in this conference.")
    return found


def count_copies(mailings: Iterable[Mailing]) -> dict[Any, dict[str, int]]:
    """Return the number of copies by status, and of `all`, for each message by its id, in one query."""
    found = {mailing.pk: {**dict.fromkeys(Notification.Status.values, 0), "all": 0} for mailing in mailings}
    copies = Notification.objects.filter(mailing_id__in=list(found)).order_by()
    for key, status, count in copies.values_list("mailing_id", "status").annotate(count=Count("*")):
        found[key][status] = count
        found[key]["all"] += count
    return found
