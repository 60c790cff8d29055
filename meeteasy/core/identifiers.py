"""Ids that clients choose: of visitors, forms, other systems' registrations."""

import hashlib

MAX_ID = 64
# What programs write where they have no id. It would make one visitor, or one registration, of many.
PLACEHOLDERS = frozenset({"undefined", "null", "None", "none", "nil", "NaN", "[object Object]"})
MAX_PLACEHOLDER = max(map(len, PLACEHOLDERS))


def fit_identifier(text: str) -> str:
    """Return the id, or the SHA-256 (64 hexadecimal digits) of one longer than MAX_ID characters.

    Truncation would turn two long ids with the same beginning into one visitor.
    """
    if len(text) <= MAX_ID:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
