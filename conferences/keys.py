"""Keys of the event door: their text, and how it is told from other texts.

A key names its conference, `wk_summit_<40 hexadecimal digits>`, so whoever checks one asks about a
conference, not about a key: made-up keys cost no look-up of their own (analytics/ingest/conferences.py).
"""

import re
import secrets
from enum import StrEnum
from typing import NamedTuple

from meeteasy.core.tokens import digest_of

_RANDOM_BYTES = 20
# Enough to recognise a key by, and far too little to guess it from.
_SHOWN_DIGITS = 6
_CONFERENCE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?", re.ASCII)
_KEY = re.compile(r"(wk|sk)_([A-Za-z0-9][A-Za-z0-9_-]{0,63})_([0-9a-f]{40})", re.ASCII)


class Kind(StrEnum):
    """A write key is public: it says for which conference a page's events are. A secret key is a server's,
    and what it says is confirmed."""

    WRITE = "write"
    SECRET = "secret"  # noqa: S105  no secret


_KIND_OF = {"wk": Kind.WRITE, "sk": Kind.SECRET}
_MARK_OF = {kind: mark for mark, kind in _KIND_OF.items()}
SECRET_BEGINNING = f"{_MARK_OF[Kind.SECRET]}_"


class GivenKey(NamedTuple):
    """A text that looks like a key. Whether it is one, its digest says."""

    kind: Kind
    conference_id: str
    digest: str


def read_key(text: str) -> GivenKey | None:
    """None for a text that is no key of ours, such as another tool's."""
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    mark, conference_id, _ = match.groups()
    return GivenKey(_KIND_OF[mark], conference_id, digest_of(text))


def new_key(kind: Kind, conference_id: str) -> str:
    return f"{_MARK_OF[kind]}_{conference_id}_{secrets.token_hex(_RANDOM_BYTES)}"


def shown_part(key: str) -> str:
    """The beginning of a key, by which people recognise it in a list."""
    return key[: len(key) - 2 * _RANDOM_BYTES + _SHOWN_DIGITS]


def may_be_conference_id(text: str) -> bool:
    """Whether a conference could have this id: whatever else clients send, nobody looks for."""
    return _CONFERENCE_ID.fullmatch(text) is not None
