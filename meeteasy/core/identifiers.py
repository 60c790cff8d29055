"""Ids that clients choose: of visitors, forms, other systems' registrations."""

import hashlib

MAX_ID = 64


def fit_identifier(text: str) -> str:
    """The id as it is; one of more than MAX_ID characters is its SHA-256 (64 hexadecimal digits).

    Cut off, two long ids with the same beginning would become one visitor.
    """
    if len(text) <= MAX_ID:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
