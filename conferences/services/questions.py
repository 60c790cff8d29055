"""Changing the custom questions of a conference, one at a time, so that two editors lose nothing."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from conferences.models import Conference
from conferences.services.conferences import update_conference

_KEY_CHARACTERS = 40


def add_question(conference: Conference, question: dict[str, Any]) -> str:
    """Add a question at the end, without a key. Returns the key that is made from its label.

    question: as conferences/questions.py has it. Raises ValidationError (`questions`).
    """
    with transaction.atomic():
        found = _lock(conference)
        key = _make_key(question["label"], {item["key"] for item in found.questions})
        update_conference(found, questions=[*found.questions, {**question, "key": key}])
    return key


def change_question(conference: Conference, key: str, question: dict[str, Any]) -> None:
    """Change a question; its key stays, since answers have it. Raises ValidationError (`questions`)."""
    with transaction.atomic():
        found = _lock(conference)
        place = _find(found, key)
        changed = [*found.questions]
        changed[place] = {**question, "key": key}
        update_conference(found, questions=changed)


def move_question(conference: Conference, key: str, by: int) -> None:
    """Move a question up (-1) or down (1). At the end of the list nothing changes."""
    with transaction.atomic():
        found = _lock(conference)
        place = _find(found, key)
        changed = [*found.questions]
        changed.insert(min(len(changed) - 1, max(0, place + by)), changed.pop(place))
        if changed != found.questions:
            update_conference(found, questions=changed)


def remove_question(conference: Conference, key: str) -> None:
    """Remove a question from the form. Answers that were given to it stay."""
    with transaction.atomic():
        found = _lock(conference)
        _find(found, key)
        update_conference(found, questions=[item for item in found.questions if item["key"] != key])


def _lock(conference: Conference) -> Conference:
    return Conference.objects.select_for_update().get(pk=conference.pk)


def _find(conference: Conference, key: str) -> int:
    """Raises ValidationError for a question that somebody else removed."""
    for place, item in enumerate(conference.questions):
        if item["key"] == key:
            return place
    raise ValidationError({"questions": f"There is no question {key!r}."})


def _make_key(label: dict[str, str], taken: set[str]) -> str:
    """Return a free key: of the first label with Latin letters, else of a number."""
    made = next((slug for text in label.values() if (slug := slugify(text).replace("-", "_"))), "")
    base = made.lstrip("_0123456789")[: _KEY_CHARACTERS - 3] or "question"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key
