"""Custom questions of a conference's registration form: their definition, and checking the answers.

A question is a JSON object of `Conference.questions`:

    {"key": "shirt", "kind": "choice", "label": {"en": "T-shirt", "zh-hans": "T 恤"}, "required": true,
     "options": [{"value": "m", "label": {"en": "M"}}]}

Labels are texts by language. A person reads the label in their language, else the first one.
"""

import math
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conferences.validators import validate_single_line

MAX_QUESTIONS = 30
MAX_OPTIONS = 50
MAX_TEXT = 2000

_Label = dict[
    Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*\Z", max_length=16)],
    Annotated[str, msgspec.Meta(min_length=1, max_length=300)],
]


class Kind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    SEVERAL = "several"
    NUMBER = "number"
    CONSENT = "consent"


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the answers that a person can choose."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    label: _Label = {}


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question of the form. Only questions of the kinds choice and several have options."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    kind: Kind
    label: Annotated[_Label, msgspec.Meta(min_length=1, max_length=20)]
    required: bool = False
    options: Annotated[list[Option], msgspec.Meta(max_length=MAX_OPTIONS)] = []


def read_questions(value: Any) -> list[Question]:
    """Return the questions of a conference in their order."""
    return msgspec.convert(value, list[Question])


def validate_questions(value: Any) -> None:
    """Validator of `Conference.questions`. Raises ValidationError that names the question."""
    if not isinstance(value, list) or len(value) > MAX_QUESTIONS:
        raise ValidationError(
            _("This must be a list of at most %(most)s questions.") % {"most": MAX_QUESTIONS}
        )
    keys: set[str] = set()
    for number, item in enumerate(value, start=1):
        try:
            question = msgspec.convert(item, Question)
        except msgspec.ValidationError as error:
            raise _bad(number, str(error)) from None
        if question.key in keys:
            raise _bad(number, _("the key “%(key)s” is used twice.") % {"key": question.key})
        keys.add(question.key)
        values = [option.value for option in question.options]
        if (question.kind in (Kind.CHOICE, Kind.SEVERAL)) != bool(values):
            raise _bad(number, _("only questions with a choice have options, and they need at least one."))
        if len(set(values)) != len(values):
            raise _bad(number, _("an option is named twice."))
        for text in chain(
            values, question.label.values(), *(option.label.values() for option in question.options)
        ):
            try:
                validate_single_line(text)
            except ValidationError as error:
                raise _bad(number, error.messages[0]) from None


def _bad(number: int, problem: str) -> ValidationError:
    return ValidationError(
        gettext_lazy("Question %(number)s: %(problem)s"), params={"number": number, "problem": problem}
    )


def text_in(label: dict[str, str], language: str) -> str:
    """Return a label in the language, else in a related one, else its first. "" if there is none."""
    family = language.partition("-")[0]
    related = (text for code, text in label.items() if code.partition("-")[0] == family)
    return label.get(language) or next(related, "") or next(iter(label.values()), "")


def check_answers(questions: list[Question], answers: Any) -> Any:
    """Return the answers with those to our questions in their stored form.

    Stored are: a text, the value of an option, a list of values, a number, true or false. Answers to unknown
    questions stay as they are. An unusable answer to an optional question stays too, for `tidy` to judge.
    Raises ValidationError that names each required question without a usable answer, as `answers.<key>`.
    """
    if not questions:
        return answers
    given = dict(answers) if isinstance(answers, dict) else {}
    errors: dict[str, ValidationError] = {}
    for question in questions:
        answer = _read_answer(question, given.get(question.key))
        if answer is not None:
            given[question.key] = answer
        elif question.required:
            errors[f"answers.{question.key}"] = ValidationError(_missing(question), code="required")
    if errors:
        raise ValidationError(errors)
    return given


def _missing(question: Question) -> str:
    if question.kind == Kind.CONSENT:
        return _("This must be agreed to.")
    return _("This question needs an answer.")


def _read_answer(question: Question, answer: Any) -> Any:
    """Return an answer in its stored form; None if it is none, or of another kind."""
    values = {option.value for option in question.options}
    match question.kind:
        case Kind.TEXT:
            text = answer.strip() if isinstance(answer, str) else ""
            return text[:MAX_TEXT] or None
        case Kind.CHOICE:
            return answer if isinstance(answer, str) and answer in values else None
        case Kind.SEVERAL:
            chosen = answer if isinstance(answer, list) else [answer]
            known = [value for value in chosen[:MAX_OPTIONS] if isinstance(value, str) and value in values]
            return list(dict.fromkeys(known)) or None
        case Kind.NUMBER:
            return _read_number(answer)
        case Kind.CONSENT:
            said = answer.strip().lower() if isinstance(answer, str) else answer
            return True if said is True or said in ("on", "true", "yes", "1", 1) else None


def _read_number(answer: Any) -> int | float | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float | str):
        return None
    try:
        number = float(answer.strip().replace(",", ".")) if isinstance(answer, str) else float(answer)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number) or abs(number) > 2**53:
        return None
    return int(number) if number.is_integer() else number
