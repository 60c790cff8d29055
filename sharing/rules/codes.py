"""Share codes: their form, their signatures, and the key of a code within its conference.

A browser makes its codes without a round trip: 11 to 16 characters of base64url, which hold 64 to 96 random
bits (docs/sharing.md). Shorter ones from 4 characters are taken, too, because organizers choose readable
codes for campaigns. A signed code is `s.<code>.<signature>` and can only be made here: Django's Signer with
the conference in its salt, so that every key of SECRET_KEY_FALLBACKS is still accepted, and a code signed
for one conference means nothing in another.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence

from django.core.signing import BadSignature, Signer

from analytics.event_types.share import SHARE_CODE_PATTERN

# Of a code that somebody chooses.
CODE_PATTERN = r"^[A-Za-z0-9_-]{4,16}\Z"
_FORM = re.compile(SHARE_CODE_PATTERN)
_SIGNED_PREFIX = "s."
# Stands before what is no valid code. No code begins with it, so no link ever has such a key; opens of it and
# registrations with it are stored, and end at a named reason (sharing.rules.attribution.Reason).
_MALFORMED = "!"


def new_code() -> str:
    """A random code of 16 characters: 96 bits."""
    return secrets.token_urlsafe(12)


def new_signed_code() -> str:
    """A random code as it is stored for a signed link; `public_code` adds the signature."""
    return _SIGNED_PREFIX + new_code()


def public_code(conference_id: str, code: str) -> str:
    """The code as it stands in addresses: the signature is added to one that needs it."""
    return _signer(conference_id).sign(code) if code.startswith(_SIGNED_PREFIX) else code


def link_key(conference_id: str, text: str) -> str:
    """`<conference id>/<code>` of a code as a client sent it; a key that no link has if it is not valid."""
    if not _FORM.search(text):
        return f"{conference_id}/{_MALFORMED}{text.replace('/', _MALFORMED)}"
    if text.startswith(_SIGNED_PREFIX):
        try:
            text = _signer(conference_id).unsign(text)
        except BadSignature:
            return f"{conference_id}/{_MALFORMED}{text}"
    return f"{conference_id}/{text}"


def key_of(conference_id: str, code: str) -> str:
    """The key of a code as it is stored."""
    return f"{conference_id}/{code}"


def keys_of(conference_id: str, text: str) -> list[str]:
    """The keys that a code may mean: as it stands in addresses, or as it is stored."""
    return [link_key(conference_id, text), key_of(conference_id, text)]


def code_of(key: str) -> str:
    """The code in a key, without signature; of what is no valid code, the text as it was sent, with `!` for
    each slash."""
    return key.rpartition("/")[2].removeprefix(_MALFORMED)


def is_malformed(key: str) -> bool:
    """Whether the key stands for a code of wrong form or with a wrong signature."""
    return key.rpartition("/")[2].startswith(_MALFORMED)


def chain_digest(codes: Sequence[str]) -> str:
    """16 hex characters that stand for a chain of codes, root first."""
    return hashlib.blake2b("\n".join(codes).encode(), digest_size=8).hexdigest()


def _signer(conference_id: str) -> Signer:
    return Signer(sep=".", salt=f"sharing.codes:{conference_id}")
