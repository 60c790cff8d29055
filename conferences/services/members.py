"""Adding and removing members of a conference, and changing their roles."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from conferences import signals
from conferences.models import Conference, Member
from conferences.services.announce import after_commit
from meeteasy.core.errors import RefusedError


def add_member(*, conference: Conference, username: str, role: Member.Role) -> Member:
    """Make a user a member.

    Raises ValidationError for an unknown username, and RefusedError `already_member`.
    """
    user = get_user_model()._default_manager.filter(username=username, is_active=True).first()
    if user is None:
        raise ValidationError({"username": _("There is no such user.")})
    try:
        with transaction.atomic():
            member = Member.objects.create(conference=conference, user=user, role=role)
            announce_membership(conference.id, member.user_id, member.role)
    except IntegrityError:
        raise RefusedError("already_member", _("This user is a member already.")) from None
    return member


@transaction.atomic
def change_role(member: Member, role: Member.Role) -> Member:
    """Give a member another role. Raises RefusedError `last_owner`."""
    if role != Member.Role.OWNER:
        _keep_an_owner(member)
    member.role = role
    member.save(update_fields=["role"])
    announce_membership(member.conference_id, member.user_id, member.role)
    return member


@transaction.atomic
def remove_member(member: Member) -> None:
    """End a membership. Raises RefusedError `last_owner`."""
    _keep_an_owner(member)
    conference_id, user_id = member.conference_id, member.user_id
    member.delete()
    announce_membership(conference_id, user_id, None)


def announce_membership(conference_id: str, user_id: int, role: str | None) -> None:
    """Notify the apps that import this one, after commit, of a user's new role, or None.

    The admin also calls this.
    """
    after_commit(signals.membership_changed, Member, conference_id=conference_id, user_id=user_id, role=role)


def _keep_an_owner(member: Member) -> None:
    """Refuse to leave the conference without an owner. The lock serialises two owners who leave at once."""
    Conference.objects.select_for_update().get(id=member.conference_id)
    owners = Member.objects.filter(conference_id=member.conference_id, role=Member.Role.OWNER)
    if owners.filter(pk=member.pk).exists() and not owners.exclude(pk=member.pk).exists():
        raise RefusedError("last_owner", _("A conference needs an owner; name another one first."))
