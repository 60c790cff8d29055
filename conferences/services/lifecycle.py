"""Copying and archiving conferences, and asking for their deletion."""

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from conferences.models import Conference, Member
from conferences.services.conferences import announce_saved, create_conference

WAITING_DAYS = 7
# What a copy takes over. Times stay behind, because a copy is for another occasion.
_COPIED = (
    "venue", "time_zone", "capacity", "waiting_list", "languages", "phone_region", "approval_required",
    "trust_client_registrations", "attribution_window_days", "reminder_hours_before", "quiet_from",
    "quiet_until", "questions", "tagline",
)  # fmt: skip


@transaction.atomic
def copy_conference(conference: Conference, *, id: str, name: str, by: User) -> Conference:
    """Make a conference with the same settings and members, without times, people and figures.

    `by` owns the copy. Raises ValidationError as create_conference does.
    """
    copied = create_conference(
        owner=by, id=id, name=name, **{field: getattr(conference, field) for field in _COPIED}
    )
    for member in conference.members.exclude(user=by):
        Member.objects.create(conference=copied, user_id=member.user_id, role=member.role)
    return copied


def archive_conference(conference: Conference, *, now: dt.datetime | None = None) -> None:
    """Put a conference away: lists show it last. Everything in it stays and can be read."""
    _mark(conference, archived_at=conference.archived_at or now or timezone.now())


def unarchive_conference(conference: Conference) -> None:
    _mark(conference, archived_at=None)


def request_deletion(conference: Conference, *, now: dt.datetime | None = None) -> None:
    """Delete the conference with all its data in WAITING_DAYS. Asking again does not prolong the time."""
    if conference.delete_at is None:
        _mark(conference, delete_at=(now or timezone.now()) + dt.timedelta(days=WAITING_DAYS))


def withdraw_deletion(conference: Conference) -> None:
    _mark(conference, delete_at=None)


@transaction.atomic
def _mark(conference: Conference, **fields: dt.datetime | None) -> None:
    for name, value in fields.items():
        setattr(conference, name, value)
    conference.save(update_fields=list(fields))
    announce_saved(conference)
