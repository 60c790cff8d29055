"""Names by which sites with other tools' trackers know a conference, as they are compared."""

import re
import uuid

from meeteasy.core.addresses import to_ascii_domain

_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", re.ASCII)


def normalise_domain(text: str) -> str | None:
    """A domain without `www.`, in ASCII and small letters, as Plausible compares them; None: it is none.

    >>> normalise_domain("WWW.Straße.example")
    'xn--strae-oqa.example'
    """
    text = text.strip().rstrip(".")
    if len(text) > 253:
        return None
    try:
        domain = text.lower() if text.isascii() else to_ascii_domain(text)
    except ValueError:
        return None
    domain = domain.removeprefix("www.")
    return domain if _DOMAIN.fullmatch(domain) else None


def normalise_website(text: str) -> str | None:
    """A website's id, a UUID, in small letters; None: it is none."""
    try:
        return str(uuid.UUID(text)) if len(text) == 36 and text.isascii() else None
    except ValueError:
        return None
