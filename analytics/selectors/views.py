"""Read-only links: those of a conference, and the one that somebody opens."""

import datetime as dt

from django.db.models import QuerySet
from django.http import Http404

from analytics.models import ReadOnlyView
from conferences.models import Conference
from meeteasy.core.tokens import digest_of


def find_views(conference: Conference) -> QuerySet[ReadOnlyView]:
    """The links of a conference, closed ones included; the latest first."""
    return ReadOnlyView.objects.filter(conference_id=conference.id)


def get_view(conference: Conference, view_id: str) -> ReadOnlyView:
    """A link of the conference. Raises Http404."""
    found = find_views(conference).filter(id=view_id).first()
    if found is None:
        raise Http404(f"This conference has no read-only view {view_id!r}.")
    return found


def open_view(token: str, *, now: dt.datetime) -> tuple[ReadOnlyView, Conference]:
    """The link that a token opens, and its conference.

    Raises Http404, the same for a link that is closed and one that never was.
    """
    view = ReadOnlyView.objects.filter(id=digest_of(token)).first()
    if view is not None and view.is_open(now=now):
        conference = Conference.objects.filter(id=view.conference_id).first()
        if conference is not None:
            return view, conference
    raise Http404("There is nothing at this address.")
