"""Reading the registration form of an event page, as a browser without JavaScript sends it."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from conferences.api.public import make_visitor_id
from conferences.models import Conference
from conferences.questions import Kind, Question, read_questions
from conferences.services.registrations import Registered, register
from meeteasy.core.errors import RefusedError

# The form's name in the figures. A page of one's own that posts to the API has another.
FORM_ID = "event-page"
_PERSON = ("name", "email", "phone")


@dataclass
class EnteredForm:
    """What a visitor entered, and what is wrong with it.

    values: by the names of fields, `answers.<key>` for questions; lists for questions with several answers.
    errors: a message by the name of the field. refusal: why nobody can register; "" if they can.
    """

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refusal: str = ""


def submit(request: HttpRequest, conference: Conference, *, language: str) -> Registered | EnteredForm:
    """Register the visitor. Returns the form with its errors if they could not be registered."""
    questions = read_questions(conference.questions)
    data = request.POST
    person: dict[str, Any] = {name: data.get(name, "") for name in _PERSON}
    answers = {question.key: _read_answer(question, data) for question in questions}
    entered = EnteredForm({**person, **{f"answers.{key}": answer for key, answer in answers.items()}})
    try:
        return register(
            conference=conference,
            **person,
            language=language,
            form_id=FORM_ID,
            answers={key: answer for key, answer in answers.items() if answer not in ("", [], False)},
            visitor_id=data.get("visitor_id") or make_visitor_id(request, conference),
            share_code=data.get("share_code", ""),
        )
    except ValidationError as error:
        entered.errors = {name: " ".join(messages) for name, messages in error.message_dict.items()}
    except RefusedError as error:
        entered.refusal = error.message
    return entered


def _read_answer(question: Question, data: QueryDict) -> Any:
    name = f"answers.{question.key}"
    match question.kind:
        case Kind.SEVERAL:
            return data.getlist(name)
        case Kind.CONSENT:
            return name in data
        case _:
            return data.get(name, "").strip()


def describe_rate(seconds: float | None) -> str:
    """Return what a visitor reads who sent too many forms."""
    minutes = max(1, round((seconds or 60) / 60))
    return _("Too many registrations came from your network. Try again in %(minutes)s min.") % {
        "minutes": minutes
    }
