"""Custom questions: what may be asked, and what counts as an answer."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from conferences.questions import check_answers, read_questions, text_in, validate_questions

SHIRT = {
    "key": "shirt", "kind": "choice", "label": {"en": "T-shirt", "zh-hans": "T 恤"}, "required": True,
    "options": [{"value": "s"}, {"value": "m", "label": {"en": "Medium"}}],
}  # fmt: skip


def asked(kind: str, *, required: bool = True, **more: Any) -> list[Any]:
    return read_questions([{"key": "q", "kind": kind, "label": {"en": "Q"}, "required": required, **more}])


@pytest.mark.parametrize(
    ("questions", "problem"),
    [
        ("none", "list"),
        ([SHIRT] * 31, "at most 30"),
        ([SHIRT, SHIRT], "Question 2: the key “shirt” is used twice"),
        ([{**SHIRT, "options": []}], "at least one"),
        ([{**SHIRT, "options": [{"value": "s"}, {"value": "s"}]}], "named twice"),
        ([{**SHIRT, "kind": "text"}], "only questions with a choice"),
        ([{**SHIRT, "kind": "colour"}], "kind"),
        ([{**SHIRT, "label": {}}], "label"),
        ([{**SHIRT, "label": {"en": "x" * 301}}], "300"),
        ([{**SHIRT, "key": "T-shirt"}], "key"),
        ([{**SHIRT, "colour": "red"}], "colour"),
        ([{**SHIRT, "options": [{"value": str(number)} for number in range(51)]}], "50"),
        ([{"key": "q"}], "kind"),
        ([None], "Question 1"),
    ],
)
def test_a_bad_question_is_refused_by_its_number(questions: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_questions(questions)
    assert problem in " ".join(caught.value.messages)


def test_a_label_falls_back_to_a_related_language() -> None:
    label = {"en": "T-shirt", "zh-hans": "T 恤"}
    assert [text_in(label, language) for language in ("zh-hans", "zh-hant", "fr")] == [
        "T 恤",
        "T 恤",
        "T-shirt",
    ]
    assert text_in({}, "en") == ""


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("text", "  vegan ", "vegan"),
        ("choice", "m", "m"),
        ("several", ["m", "x", "s", "m"], ["m", "s"]),
        ("several", "m", ["m"]),
        ("number", "1.5", 1.5),
        ("number", " 3 ", 3),
        ("number", "2,5", 2.5),
        ("number", 0, 0),
        ("consent", True, True),
        ("consent", "on", True),
        ("consent", "TRUE", True),  # as spreadsheets write it
        ("consent", " Yes", True),
    ],
)
def test_answers_are_stored_in_one_form(kind: str, given: Any, stored: Any) -> None:
    options = {"options": SHIRT["options"]} if kind in ("choice", "several") else {}
    assert check_answers(asked(kind, **options), {"q": given}) == {"q": stored}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", ""), ("text", "  "), ("text", 3), ("choice", "xl"), ("choice", ["m"]), ("several", []),
        ("several", ["xl"]), ("number", "many"), ("number", "nan"), ("number", "1e400"), ("number", True),
        ("consent", False), ("consent", "off"), ("consent", None),
    ],
)  # fmt: skip
def test_a_required_question_without_an_answer_is_named(kind: str, given: Any) -> None:
    options = {"options": SHIRT["options"]} if kind in ("choice", "several") else {}
    with pytest.raises(ValidationError) as caught:
        check_answers(asked(kind, **options), {"q": given})
    assert list(caught.value.error_dict) == ["answers.q"]
    assert check_answers(asked(kind, required=False, **options), {"q": given}) == {"q": given}


def test_answers_to_unknown_questions_stay() -> None:
    assert check_answers(asked("text"), {"q": "a", "other": 1}) == {"q": "a", "other": 1}
    assert check_answers([], {"other": 1}) == {"other": 1}
