"""Email addresses: the one place that knows how they are compared and sent over the wire.

Domains go by IDNA 2008 with the mappings of UTS 46, nontransitional: `straße.example` stays a domain of its
own, which IDNA 2003 (Python's `idna` codec) turned into `strasse.example`.
"""

import unicodedata

import idna

# `！` to `～`, which stand for `!` to `~`.
_FULL_WIDTH = {code + 0xFEE0: code for code in range(0x21, 0x7F)}


def normalise_email(address: str) -> str:
    """Return the form for comparison: composed, lower case, the domain in its own script.

    RFC 5321 lets a server distinguish `Ann@` from `ann@`; none does, and people type both. A dot at the end
    of the domain names the same domain. Full-width letters, as Chinese and Japanese keyboards make them, are
    ASCII's, as in RFC 8265. An invalid address is only composed and lowered, so that it can still
    be compared.

    >>> normalise_email("Ann@Xn--Strae-Oqa.example.")
    'ann@straße.example'
    """
    local, at, domain = unicodedata.normalize("NFC", address.strip()).replace("＠", "@").rpartition("@")
    try:
        domain = idna.decode(to_ascii_domain(domain))
    except ValueError:
        domain = domain.lower()
    return f"{_lower(local.translate(_FULL_WIDTH))}{at}{domain}"


def to_ascii_domain(domain: str) -> str:
    """Return the domain as DNS has it (A-labels), without a final dot. Raises ValueError."""
    try:
        return idna.encode(domain, uts46=True).decode().lower().removesuffix(".")
    except idna.IDNAError as error:  # a UnicodeError, so a ValueError too
        raise ValueError(str(error)) from error


def to_wire(address: str) -> str:
    """Return the address with an ASCII domain. The local part may still need SMTPUTF8. Raises ValueError."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{to_ascii_domain(domain)}"


def _lower(text: str) -> str:
    """Lower the text without adding characters: `İ` becomes `i`, as people from İstanbul type it abroad."""
    return unicodedata.normalize("NFC", text.replace("İ", "i").lower())
