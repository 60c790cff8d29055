"""Inviting members by mail, and accepting."""

import datetime as dt

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from conferences.models import Conference, Member
from conferences.services.members import add_member
from console.models import Invitation
from console.services.mailing import queue_mail
from meeteasy.core.errors import RefusedError

VALID_DAYS = 14
# Members that wait to be invited, so that the form is no way to mail thousands of strangers.
_MOST_OPEN = 100


@transaction.atomic
def invite(
    conference: Conference, *, email: str, role: Member.Role, by: User, now: dt.datetime | None = None
) -> Invitation:
    """Invite somebody by mail. Inviting an address again renews its invitation and sends another mail.

    Raises ValidationError for a bad address, RefusedError `already_member` or `too_many`.
    """
    now = now or timezone.now()
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}) from None
    if conference.members.filter(user__email__iexact=email).exists():
        raise RefusedError("already_member", _("This user is a member already."))
    still_open = Invitation.objects.filter(conference=conference, accepted_at=None)
    if still_open.count() >= _MOST_OPEN:
        raise RefusedError("too_many", _("Too many open invitations. Withdraw some first."))
    expires_at = now + dt.timedelta(days=VALID_DAYS)
    invitation, _made = Invitation.objects.update_or_create(
        conference=conference, email=email, accepted_at=None,
        defaults={"role": role, "invited_by": by, "expires_at": expires_at},
    )  # fmt: skip
    queue_mail("invitation", recipient=email, language=get_language() or "en", about=invitation.pk)
    return invitation


def withdraw(conference: Conference, invitation_id: str) -> None:
    """Withdraw an open invitation. Doing it again changes nothing."""
    Invitation.objects.filter(conference=conference, pk=invitation_id, accepted_at=None).delete()


def check_open(invitation: Invitation, *, now: dt.datetime | None = None) -> None:
    """Raise RefusedError: `accepted` or `expired`."""
    if invitation.accepted_at is not None:
        raise RefusedError("accepted", _("This invitation was accepted already."))
    if invitation.expires_at <= (now or timezone.now()):
        raise RefusedError("expired", _("This invitation has expired. Ask for another one."))


@transaction.atomic
def accept(invitation: Invitation, *, user: User, now: dt.datetime | None = None) -> None:
    """Make the user a member. A member keeps their role. Raises RefusedError `accepted` or `expired`."""
    now = now or timezone.now()
    check_open(invitation, now=now)
    taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now)
    if not taken:
        raise RefusedError("accepted", _("This invitation was accepted already."))
    if not Member.objects.filter(conference_id=invitation.conference_id, user=user).exists():
        add_member(
            conference=invitation.conference, username=user.get_username(),
            role=Member.Role(invitation.role),
        )  # fmt: skip


@transaction.atomic
def accept_with_new_account(
    invitation: Invitation, *, username: str, password: str, now: dt.datetime | None = None
) -> User:
    """Make an account for the invited address and accept. Raises ValidationError for a taken name."""
    check_open(invitation, now=now)
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, invitation.email, password)
    except IntegrityError:
        raise ValidationError({"username": _("This name is taken.")}) from None
    accept(invitation, user=user, now=now)
    return user
