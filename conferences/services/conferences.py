"""Creating and changing conferences, for the API, admin and commands."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences import signals
from conferences.models import Conference, DeletedConference, Member, Registration
from conferences.services.announce import after_commit
from conferences.services.places import promote_waiting


@transaction.atomic
def create_conference(*, owner: User, **fields: Any) -> Conference:
    """Create a conference with its owner.

    `fields` are those of Conference. Raises ValidationError with the names of the bad fields. A taken id is
    such an error, even if two requests take it at the same moment.
    """
    conference = Conference(**fields)
    conference.full_clean()
    if DeletedConference.objects.filter(id=conference.id).exists():
        raise ValidationError({"id": _("A deleted conference had this id.")})
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
    """Change the given fields. Concurrent changes to other fields are kept.

    Raises ValidationError with the names of the bad fields.
    """
    for name, value in fields.items():
        setattr(conference, name, value)
    conference.full_clean()
    conference.save(update_fields=list(fields))
    note_saved(conference)
    return conference


def note_saved(conference: Conference) -> None:
    """Follow up on a change in its transaction: its number, the waiting list, the other apps.

    The admin also calls this.
    """
    Conference.objects.filter(pk=conference.pk).update(revision=F("revision") + 1)
    if Registration.objects.filter(conference=conference, state=Registration.State.WAITING).exists():
        promote_waiting(conference.id, now=timezone.now())
    announce_saved(conference)


def announce_saved(conference: Conference) -> None:
    """Notify the apps that import this one, after commit, that a conference is new or changed."""
    after_commit(signals.conference_saved, Conference, conference=conference)
