"""Cursors: where a page ended, so that the next costs the same however far in it is."""

import base64
from typing import Any

import msgspec


class BadCursorError(ValueError):
    """The text is no cursor of ours."""


def encode_cursor(number: int, key: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([number, key])).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[int, str]:
    """Raises BadCursorError."""
    try:
        raw: Any = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        number, key = msgspec.json.decode(raw, type=tuple[int, str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursorError(text) from error
    if "\0" in key or abs(number) > 2**62:
        raise BadCursorError(text)
    return number, key
