"""JSON values from bytes that need not be well-formed, and what of them no store can keep."""

from math import isfinite
from typing import Any

from analytics.events.problems import BatchError, EventError
from meeteasy.core.json_input import read_tolerantly

# How deep an event's values may nest: MongoDB refuses 100 levels, and nobody reads more than a few.
MAX_DEPTH = 32
_MAX_INT = 2**63 - 1
_EXACT_FLOAT = 2**53


def read_json(text: bytes) -> Any:
    """A JSON value from UTF-8 bytes that need not be well-formed. Raises BatchError.

    What no store can keep (`read_tolerantly` says what may be in it) becomes values that `find_unstorable`
    finds.
    """
    try:
        return read_tolerantly(text)
    except ValueError as error:
        raise BatchError("invalid_json", str(error)) from None


def as_whole(value: Any) -> Any:
    """12.0 as 12, which JSON does not tell apart. A float beyond 2^53 stays: it means several numbers."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT
    return int(value) if is_whole else value


def refuse_unstorable(value: Any, path: str = "", *, levels: int = MAX_DEPTH) -> None:
    """Raise EventError for what some store cannot keep, with its path below `path`.

    That is: NUL characters and bytes that are no text, integers of more than 64 bits, infinities and NaN,
    nesting of more than `levels`.
    """
    fault = find_unstorable(value, levels)
    if fault is not None:
        code, problem, steps = fault
        for step in reversed(steps):
            path += step if step.startswith("[") else f".{step}" if path else step
        raise EventError(code, f"`{path}` {problem}.", path)


Fault = tuple[str, str, list[str]]


def find_unstorable(value: Any, levels: int) -> Fault | None:
    """The code, the problem, and the way to it from the inside out, which costs nothing while all is well."""
    if isinstance(value, str):
        return _find_bad_text(value)
    if isinstance(value, float):
        return None if isfinite(value) else ("invalid_field", "is not a finite number", [])
    if isinstance(value, int):
        fits = -_MAX_INT <= value <= _MAX_INT  # MongoDB's largest
        return None if fits else ("invalid_field", "has more than 64 bits", [])
    if not isinstance(value, dict | list):
        return None
    if levels == 0:
        return ("too_deep", f"is nested deeper than {MAX_DEPTH} levels", [])
    fault: Fault | None
    if isinstance(value, dict):
        for key, inner in value.items():
            fault = _find_bad_text(key) or find_unstorable(inner, levels - 1)
            if fault is not None:
                fault[2].append(key.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")[:64])
                return fault
    else:
        for position, inner in enumerate(value):
            fault = find_unstorable(inner, levels - 1)
            if fault is not None:
                fault[2].append(f"[{position}]")
                return fault
    return None


def _find_bad_text(text: str) -> Fault | None:
    if "\0" in text:
        return ("invalid_text", "contains a NUL character", [])
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return ("invalid_text", "contains half of a surrogate pair, or bytes that are not UTF-8", [])
    return None


def json_kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return kinds.get(type(value), "an array" if isinstance(value, list) else "an object")


def shorten(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text
    return text if len(text) <= 80 else f"{text[:80]}…"
