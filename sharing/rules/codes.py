"""Share codes: their form, their signatures, and the key of a code within its conference.

A browser makes its codes without a round trip: 11 to 16 characters of base64url, which hold 64 to 96 random
bits (docs/sharing.md). Codes from 4 characters on are valid, because organizers choose readable codes for
campaigns. A signed code is `s.<code>.<signature>`, and only this module can make one. Django's Signer has the
conference in its salt, so a code signed for one conference is not valid in another. The signer accepts every
key of SECRET_KEY_FALLBACKS.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence

from django.core.signing import BadSignature, Signer

from analytics.event_types.share import SHARE_CODE_PATTERN

# The pattern of codes that organizers choose.
CODE_PATTERN = r"^[A-Za-z0-9_-]{4,16}\Z"
_FORM = re.compile(SHARE_CODE_PATTERN)
_SIGNED_PREFIX = "s."
# The prefix of malformed codes. No valid code begins with it, so no link has such a key. Opens and
# registrations with malformed codes are stored and get a named reason (sharing.rules.reasons.Reason).
_MALFORMED = "!"


def new_code() -> str:
    """A random code of 16 characters: 96 bits."""
    return secrets.token_urlsafe(12)


def new_signed_code() -> str:
    """A random code in the stored form of a signed link; `public_code` adds the signature."""
    return _SIGNED_PREFIX + new_code()


def public_code(conference_id: str, code: str) -> str:
    """The code as it appears in addresses, with a signature if it needs one."""
    return _signer(conference_id).sign(code) if code.startswith(_SIGNED_PREFIX) else code


def link_key(conference_id: str, text: str) -> str:
    """The key `<conference id>/<code>` of a code that a client sent. No link has an invalid code's key."""
    if not _FORM.search(text):
        return f"{conference_id}/{_MALFORMED}{text.replace('/', _MALFORMED)}"
    if text.startswith(_SIGNED_PREFIX):
        try:
            text = _signer(conference_id).unsign(text)
        except BadSignature:
            return f"{conference_id}/{_MALFORMED}{text}"
    return f"{conference_id}/{text}"


def key_of(conference_id: str, code: str) -> str:
    """The key of a code in its stored form."""
    return f"{conference_id}/{code}"


def keys_of(conference_id: str, text: str) -> list[str]:
    """The keys that a code may have: as an address has it, and in its stored form."""
    return [link_key(conference_id, text), key_of(conference_id, text)]


def code_of(key: str) -> str:
    """The code in a key, without its signature. For a malformed code, the text as sent, with `!` for each
    slash."""
    return key.rpartition("/")[2].removeprefix(_MALFORMED)


def is_malformed(key: str) -> bool:
    """Whether the code in the key has a wrong form or a wrong signature."""
    return key.rpartition("/")[2].startswith(_MALFORMED)


def chain_digest(codes: Sequence[str]) -> str:
    """A digest (16 hex characters) of a chain of codes, root first."""
    return hashlib.blake2b("\n".join(codes).encode(), digest_size=8).hexdigest()


def _signer(conference_id: str) -> Signer:
    return Signer(sep=".", salt=f"sharing.codes:{conference_id}")
