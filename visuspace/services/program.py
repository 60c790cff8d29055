"""Changing the speakers and sessions of a conference."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from conferences.models import Conference
from visuspace import cache
from visuspace.models import Session, Speaker

MAX_SPEAKERS = 1000
MAX_SESSIONS = 2000


def add_speaker(conference: Conference, **fields: Any) -> Speaker:
    """Raises ValidationError when the conference has MAX_SPEAKERS."""
    _check_number(Speaker.objects.filter(conference=conference).count(), MAX_SPEAKERS)
    speaker = Speaker.objects.create(conference=conference, **fields)
    _forget(conference)
    return speaker


@transaction.atomic
def add_session(conference: Conference, **fields: Any) -> Session:
    """speakers: of the same conference. Raises ValidationError when the conference has MAX_SESSIONS."""
    _check_number(Session.objects.filter(conference=conference).count(), MAX_SESSIONS)
    speakers = fields.pop("speakers", [])
    session = Session.objects.create(conference=conference, **fields)
    session.speakers.set(speakers)
    _forget(conference)
    return session


@transaction.atomic
def change(item: Any, **fields: Any) -> None:
    """Change the given fields of a speaker or session."""
    speakers = fields.pop("speakers", None)
    for name, value in fields.items():
        setattr(item, name, value)
    if fields:
        item.save(update_fields=list(fields))
    if speakers is not None:
        item.speakers.set(speakers)
    _forget(item.conference)


@transaction.atomic
def remove(item: Speaker | Session) -> None:
    conference = item.conference
    item.delete()
    _forget(conference)


def _check_number(number: int, most: int) -> None:
    if number >= most:
        raise ValidationError(_("There can be at most %(most)s.") % {"most": most})


def _forget(conference: Conference) -> None:
    transaction.on_commit(lambda: cache.forget(conference), robust=True)
