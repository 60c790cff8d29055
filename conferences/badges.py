"""Badges: the signed code that a scanner reads, and its QR code.

Anyone who holds the code can come in, so it is signed. Each use has its own salt: the token in a public badge
address is not a check-in code. SECRET_KEY_FALLBACKS rotates the keys, as for everything that Django signs.
"""

import base64
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable

import segno
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from conferences.models import Conference, Registration
from conferences.states import State
from meeteasy.core.errors import RefusedError

KINDS = {"svg": "image/svg+xml", "png": "image/png"}

# A code in what a scanner sends: 32 hexadecimal digits, and the signature of SHA-256 in base64url.
_CODE = re.compile(r"[0-9a-f]{32}:[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_SWAPPED = re.compile(r"[0-9A-F]{32}:[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
DIGEST_CHARACTERS = 16

_CODE_SALT = "conferences.badge-code"
_LINK_SALT = "conferences.badge-link"


def make_code(registration: Registration) -> str:
    """Return the check-in code of a registration: about 76 ASCII characters."""
    return Signer(salt=_CODE_SALT).sign(registration.id)


def make_link(registration: Registration, kind: str = "svg") -> str:
    """Return the public address of the attendee's own badge picture; `kind` is `svg` or `png`."""
    return f"{settings.PUBLIC_URL}/api/badges/{Signer(salt=_LINK_SALT).sign(registration.id)}.{kind}"


def clean_code(text: str) -> str:
    """Return the code in what a scanner or a camera read, else the text without blanks.

    Scanners put prefixes before it, their keyboards blanks or zero-width characters between it; an input
    method makes its characters wide, and a locked shift key swaps their case.
    """
    kept = "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")
    )
    if found := _CODE.search(kept):
        return found[0]
    if found := _SWAPPED.search(kept):
        return found[0].swapcase()
    return kept


def make_digests(registration_ids: Iterable[str]) -> Iterable[str]:
    """Yield a digest of the code of each registration: 16 characters of base64url, of its SHA-256.

    A device can recognise a code by its digest, but nobody can make a code from it.
    """
    signer = Signer(salt=_CODE_SALT)
    for registration_id in registration_ids:
        digest = hashlib.sha256(signer.sign(registration_id).encode()).digest()
        yield base64.urlsafe_b64encode(digest[:12]).decode()


def find_by_code(conference: Conference, code: str) -> Registration:
    """Return the registration of this conference whose badge has the code.

    Raises RefusedError: `invalid_code` (forged, damaged, or the registration was deleted) or `foreign_badge`
    (from another conference).
    """
    registration = _find(_CODE_SALT, clean_code(code))
    if registration.conference_id != conference.id:
        raise RefusedError("foreign_badge", _("This badge is for another conference."), status=404)
    return registration


def find_conference(code: str) -> Conference:
    """Return the conference of a badge. Raises RefusedError `invalid_code`."""
    return _find(_CODE_SALT, clean_code(code)).conference


def find_by_link(token: str) -> Registration:
    """Return the registration of a public badge address.

    Raises RefusedError: `invalid_code`, `registration_cancelled` or `not_approved`.
    """
    registration = _find(_LINK_SALT, token)
    check_admissible(registration)
    return registration


def check_admissible(registration: Registration) -> None:
    """Raise RefusedError if the attendee may not come in: `registration_cancelled` or `not_approved`."""
    if registration.state == State.CANCELLED:
        raise RefusedError("registration_cancelled", _("This registration was cancelled."))
    if registration.state != State.APPROVED:
        raise RefusedError(
            "not_approved",
            _("This registration is not approved: %(state)s.") % {"state": registration.get_state_display()},
            state=registration.state,
        )


def draw_qr(code: str, *, kind: str) -> bytes:
    """Draw a check-in code as a QR code (SVG or PNG) with its quiet zone. 15 % of it may be unreadable."""
    picture = io.BytesIO()
    segno.make(code, error="m", micro=False).save(picture, kind=kind, scale=8, border=4)
    return picture.getvalue()


def _find(salt: str, signed: str) -> Registration:
    try:
        registration_id = Signer(salt=salt).unsign(signed)
    except BadSignature:
        registration_id = ""
    registration = (
        Registration.objects.select_related("conference").filter(id=registration_id).first()
        if registration_id
        else None
    )
    if registration is None:
        raise RefusedError("invalid_code", _("This is not the code of a badge."), status=404)
    return registration
