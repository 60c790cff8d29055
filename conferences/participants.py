"""The signed address of a participant's own page. Whoever holds it can change or cancel the registration.

The salt is its own: neither a badge's code nor its picture's address leads to the page. SECRET_KEY_FALLBACKS
rotates the keys.
"""

from django.conf import settings
from django.core.signing import BadSignature, Signer

from conferences.models import Registration

_SALT = "conferences.participant-page"


def make_token(registration: Registration) -> str:
    return Signer(salt=_SALT).sign(registration.id)


def make_url(registration: Registration) -> str:
    """Return the address of the page, for a mail to the participant alone."""
    return f"{settings.PUBLIC_URL}/conf/{registration.conference_id}/me/{make_token(registration)}"


def find_by_token(conference_id: str, token: str) -> Registration | None:
    """Return the registration whose page it is, with its conference; None if there is none."""
    try:
        registration_id = Signer(salt=_SALT).unsign(token)
    except BadSignature:
        return None
    found = Registration.objects.select_related("conference")
    return found.filter(id=registration_id, conference_id=conference_id).first()
