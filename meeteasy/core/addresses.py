"""Email addresses: the one place that knows how they are compared, and how they go over the wire.

Domains go by IDNA 2008 with the mappings of UTS 46, nontransitional: `straße.example` stays a domain of its
own, which IDNA 2003 (Python's `idna` codec) turned into `strasse.example`.
"""

import unicodedata

import idna


def normalise_email(address: str) -> str:
    """The form in which equal addresses are equal: composed, lower case, the domain in its own script.

    RFC 5321 lets a server tell `Ann@` from `ann@`; none does, and people type both. A dot at the end of the
    domain names the same domain. An address that cannot be one is only composed and lowered, so that the
    result can be compared all the same.

    >>> normalise_email("Ann@Xn--Strae-Oqa.example.")
    'ann@straße.example'
    """
    local, at, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    try:
        domain = idna.decode(to_ascii_domain(domain))
    except ValueError:
        domain = domain.lower()
    return f"{_lower(local)}{at}{domain}"


def to_ascii_domain(domain: str) -> str:
    """The domain as DNS has it (A-labels), without a dot at its end. Raises ValueError."""
    try:
        return idna.encode(domain, uts46=True).decode().lower().removesuffix(".")
    except idna.IDNAError as error:  # a UnicodeError, so a ValueError too
        raise ValueError(str(error)) from error


def to_wire(address: str) -> str:
    """The address with its domain in ASCII. Its local part may still need SMTPUTF8. Raises ValueError."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{to_ascii_domain(domain)}"


def _lower(text: str) -> str:
    """Lower case that adds no characters: `İ` becomes `i`, as İstanbul's people type it elsewhere."""
    return unicodedata.normalize("NFC", text.replace("İ", "i").lower())
