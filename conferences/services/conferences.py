"""Making and changing conferences: the functions behind API, admin and commands."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from conferences import signals
from conferences.models import Conference, Member
from conferences.services.announce import after_commit


@transaction.atomic
def create_conference(*, owner: User, **fields: Any) -> Conference:
    """A new conference whose creator is its owner.

    `fields` are those of Conference. Raises ValidationError with the names of the bad ones; an id that is
    taken is one of them, also when two requests take it at the same moment.
    """
    conference = Conference(**fields)
    conference.full_clean()
    try:
        with transaction.atomic():
            conference.save(force_insert=True)
    except IntegrityError:
        raise ValidationError({"id": _("Conference with this id already exists.")}) from None
    Member.objects.create(conference=conference, user=owner, role=Member.Role.OWNER)
    announce_saved(conference)
    return conference


@transaction.atomic
def update_conference(conference: Conference, **fields: Any) -> Conference:
    """Change some fields. Raises ValidationError with the names of the bad ones."""
    for name, value in fields.items():
        setattr(conference, name, value)
    conference.full_clean()
    conference.save(update_fields=list(fields))
    announce_saved(conference)
    return conference


def announce_saved(conference: Conference) -> None:
    """Tell the apps on the left, after commit, that a conference came or changed. The admin calls it too."""
    after_commit(signals.conference_saved, Conference, conference=conference)
