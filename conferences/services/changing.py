"""Changing a registration's own data. The mail address stays: it says who registered."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.decoration import tidy
from conferences.models import Registration
from conferences.questions import check_answers, read_questions
from conferences.services.registrations import clean_person, make_search_text
from conferences.states import State
from meeteasy.core.errors import RefusedError

CHANGEABLE = frozenset({State.WAITING, State.PENDING, State.APPROVED})


def change_details(
    registration_id: str, *, name: Any, phone: Any, answers: Any, now: dt.datetime | None = None
) -> Registration:
    """Change the name, number and answers of a registration that may still take part.

    answers: to the conference's questions; answers to others stay. Raises ValidationError with the names of
    the bad fields (name, phone, `answers.<key>`), and RefusedError `not_changeable`.
    """
    now = now or timezone.now()
    with transaction.atomic():
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        conference = registration.conference
        if not is_changeable(registration, now=now):
            raise RefusedError("not_changeable", _("This registration can no longer be changed."))
        questions = read_questions(conference.questions)
        asked = {question.key for question in questions}
        others = {key: answer for key, answer in registration.answers.items() if key not in asked}
        errors: dict[str, Any] = {}
        try:
            person = clean_person(conference=conference, name=name, email=registration.email, phone=phone)
        except ValidationError as error:
            errors |= error.error_dict
        try:
            answers = check_answers(questions, answers)
        except ValidationError as error:
            errors |= error.error_dict
        if errors:
            raise ValidationError(errors)
        tidied, _warnings = tidy(
            conference, language=registration.language, form_id=registration.form_id,
            answers={**others, **(answers or {})}, visitor_id=registration.visitor_id,
            share_code=registration.share_code,
        )  # fmt: skip
        registration.name, registration.phone = person["name"], person["phone"]
        registration.answers = tidied["answers"]
        registration.search_text = make_search_text(**person)
        registration.save(update_fields=["name", "phone", "answers", "search_text"])
    return registration


def is_changeable(registration: Registration, *, now: dt.datetime) -> bool:
    """Whether the participant may still change or cancel: until the conference ends or is cancelled."""
    conference = registration.conference
    is_over = conference.ends_at is not None and conference.ends_at <= now
    return registration.state in CHANGEABLE and not is_over and conference.cancelled_at is None
