"""Optional data of a registration: where the person came from, their language, their answers.

Bad optional data never fails a registration. Unusable values are left out or cut, and a warning names them.
Sharing and analytics treat the same fields of events in the same way.
"""

import itertools
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from conferences.contact import clean_line, pick_language, read_text
from conferences.models import Conference
from meeteasy.core.identifiers import MAX_ID, PLACEHOLDERS, fit_identifier

MAX_ANSWERS = 100
MAX_ANSWERS_BYTES = 16 * 1024
_NAME_CHARACTERS = 64
# Prefix of a value that is not a valid code (sharing/rules/codes.py).
_MALFORMED = "!"

Warn = Callable[[str, str, str], None]


@dataclass(frozen=True)
class FieldWarning:
    """A note that a field was changed.

    field: its name, `answers.<name>` for an answer. code: `left_out`, `cut`, `hashed`, `malformed_code` or
    `unknown_field`.
    """

    field: str
    code: str
    message: str


def tidy(
    conference: Conference,
    *,
    language: Any = "",
    form_id: Any = "",
    visitor_id: Any = "",
    share_code: Any = "",
    answers: Any = None,
) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the fields as a registration stores them, and warnings about what was changed."""
    warnings: list[FieldWarning] = []

    def warn(field: str, code: str, message: str) -> None:
        warnings.append(FieldWarning(field, code, message))

    fields = {
        "language": pick_language(conference, _tidy_line(language, "language", 35, warn)),
        "form_id": _tidy_identifier(form_id, "form_id", warn) or "default",
        "visitor_id": _tidy_identifier(visitor_id, "visitor_id", warn),
        "share_code": _tidy_code(share_code, warn),
        "answers": _tidy_answers(answers, warn),
    }
    return fields, warnings


def _tidy_line(value: Any, field: str, most: int, warn: Warn) -> str:
    try:
        return clean_line(read_text(value), most=most)
    except ValidationError:
        warn(field, "left_out", _("This could not be read and was left out."))
        return ""


def _tidy_identifier(value: Any, field: str, warn: Warn) -> str:
    if isinstance(value, str) and len(value) > MAX_ID:
        warn(field, "hashed", _("More than %(most)s characters: replaced by its SHA-256.") % {"most": MAX_ID})
        return fit_identifier(value)
    identifier = _tidy_line(value, field, MAX_ID, warn)
    if identifier in PLACEHOLDERS:
        warn(field, "left_out", _("This stands for no id and was left out."))
        return ""
    return identifier


def _tidy_code(value: Any, warn: Warn) -> str:
    """Keep an invalid code in marked form, so that sharing can say why it was not credited."""
    try:
        return clean_line(read_text(value), most=MAX_ID)
    except ValidationError:
        warn("share_code", "malformed_code", _("This is not a share code."))
    rest = re.sub(r"[^A-Za-z0-9._-]", "", value if isinstance(value, str) else "")
    return _MALFORMED + rest[: MAX_ID - 1]


def _tidy_answers(answers: Any, warn: Warn) -> dict[str, Any]:
    if not isinstance(answers, dict):
        if answers is not None and answers != "":
            warn("answers", "left_out", _("This must be an object of answers by name."))
        return {}
    if len(answers) > MAX_ANSWERS:
        warn("answers", "left_out", _("More than %(most)s answers.") % {"most": MAX_ANSWERS})
    storable: dict[str, Any] = {}
    for name, answer in itertools.islice(answers.items(), MAX_ANSWERS):
        if _is_storable(name) and all(map(_is_storable, answer if isinstance(answer, list) else [answer])):
            storable[unicodedata.normalize("NFC", name)] = _compose(answer)
        else:
            message = _("An answer is a text, a number, yes or no, or a list of those.")
            warn(f"answers.{printable(name)}", "left_out", message)
    return _fit_all(storable, warn)


def _fit_all(answers: dict[str, Any], warn: Warn) -> dict[str, Any]:
    """Cut the longest texts, so that all answers together take at most MAX_ANSWERS_BYTES."""
    budget = MAX_ANSWERS_BYTES
    fitting: dict[str, Any] = {}
    for name in sorted(answers, key=lambda name: _size(name, answers[name])):
        answer = answers[name]
        while (size := _size(name, answer)) > budget and isinstance(answer, str) and answer:
            answer = answer[: min(len(answer) - 1, len(answer) * budget // size)]
        if answer != answers[name] or size > budget:
            code = "cut" if answer and size <= budget else "left_out"
            message = _("All answers together may take %(most)s bytes.") % {"most": MAX_ANSWERS_BYTES}
            warn(f"answers.{printable(name)}", code, message)
        if size <= budget:
            budget -= size
            fitting[name] = answer
    return {name: fitting[name] for name in answers if name in fitting}


def _is_storable(value: Any) -> bool:
    """Whether the databases can store the value: no NUL, no lone surrogates, only numbers that JSON has."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None


def _compose(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_compose(value) for value in answer]
    return unicodedata.normalize("NFC", answer) if isinstance(answer, str) else answer


def _size(name: str, answer: Any) -> int:
    return len(msgspec.json.encode({name: answer}))


def printable(name: Any) -> str:
    """Return the name of a field or an answer as a warning shows it."""
    text = str(name)[:_NAME_CHARACTERS].encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd")
