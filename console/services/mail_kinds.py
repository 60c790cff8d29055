"""The kinds of mails to organizers, and what each says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from console.models import Invitation, OrganizerMail
from console.services.digest_mails import describe_digest
from console.services.invitation_links import sign_invitation

Context = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of mail. Its templates are `console/mails/<kind>_subject.txt` and `<kind>.txt`.

    describe: what the templates show; None if the mail is not needed any more.
    has_html: there is a `<kind>.html`, too.
    is_sent_once: when nobody knows whether a copy arrived, none is sent after it.
    unsubscribe: a key of what `describe` returns, the address at which its reader ends such mails.
    """

    describe: Callable[[OrganizerMail], Context | None]
    has_html: bool = False
    is_sent_once: bool = False
    unsubscribe: str = ""


def _describe_password_reset(mail: OrganizerMail) -> Context | None:
    user = User.objects.filter(pk=int(mail.about), is_active=True).first()
    if user is None:
        return None
    token = default_token_generator.make_token(user)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return {
        "username": user.get_username(),
        "url": settings.PUBLIC_URL + reverse("console-password-set", args=[uid, token]),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }


def _describe_invitation(mail: OrganizerMail) -> Context | None:
    invitation = (
        Invitation.objects.select_related("conference", "invited_by")
        .filter(pk=mail.about, accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if invitation is None:
        return None
    by = invitation.invited_by
    return {
        "conference": invitation.conference.name,
        "role": invitation.get_role_display(),
        "by": (by.get_full_name() or by.get_username()) if by else "MeetEasy",
        "url": settings.PUBLIC_URL + reverse("console-invitation", args=[sign_invitation(invitation)]),
        "expires_at": invitation.expires_at,
    }


KINDS: dict[str, Kind] = {
    "password_reset": Kind(_describe_password_reset),
    "invitation": Kind(_describe_invitation),
    "digest": Kind(describe_digest, has_html=True, is_sent_once=True, unsubscribe="stop_url"),
}
