"""The signed part of an invitation's link. The invitation's own row says whether it still counts."""

from django.core.signing import BadSignature, Signer

from console.models import Invitation

_signer = Signer(salt="console.invitation")


def sign_invitation(invitation: Invitation) -> str:
    return _signer.sign(invitation.pk.hex)


def read_invitation(token: str) -> Invitation | None:
    """Return the invitation of a link, or None if the link was not made here or the invitation is gone."""
    try:
        found = Invitation.objects.filter(pk=_signer.unsign(token))
    except BadSignature:
        return None
    return found.select_related("conference", "invited_by").first()
