"""Reading the registration form of an event page, as a browser without JavaScript sends it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from conferences.api.public import make_visitor_id
from conferences.models import Conference, Registration
from conferences.questions import Kind, Question, read_questions
from conferences.services.changing import change_details
from conferences.services.registrations import Registered, register
from meeteasy.core.errors import RefusedError

# The form's name in the figures. A page of one's own that posts to the API has another.
FORM_ID = "event-page"
_PERSON = ("name", "email", "phone")
_Done = TypeVar("_Done")


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
    data = request.POST
    person, answers, entered = _read(data, conference, _PERSON)

    def act() -> Registered:
        return register(
            conference=conference,
            **person,
            language=language,
            form_id=FORM_ID,
            answers=answers,
            visitor_id=data.get("visitor_id") or make_visitor_id(request, conference),
            share_code=data.get("share_code", ""),
        )

    return _try(act, entered)


def submit_change(request: HttpRequest, registration: Registration) -> Registration | EnteredForm:
    """Change the participant's own data. Returns the form with its errors if that was not possible."""
    person, answers, entered = _read(request.POST, registration.conference, ("name", "phone"))
    return _try(lambda: change_details(registration.id, **person, answers=answers), entered)


def show_details(registration: Registration) -> EnteredForm:
    """Return the form as the registration fills it."""
    answers = {f"answers.{key}": answer for key, answer in registration.answers.items()}
    return EnteredForm({"name": registration.name, "phone": registration.phone, **answers})


def _read(
    data: QueryDict, conference: Conference, fields: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any], EnteredForm]:
    """Return the person's fields, the answers that were given, and the form as it was entered."""
    person: dict[str, Any] = {name: data.get(name, "") for name in fields}
    answers = {item.key: _read_answer(item, data) for item in read_questions(conference.questions)}
    entered = EnteredForm({**person, **{f"answers.{key}": answer for key, answer in answers.items()}})
    return person, {key: answer for key, answer in answers.items() if answer not in ("", [], False)}, entered


def _try(act: Callable[[], _Done], entered: EnteredForm) -> _Done | EnteredForm:
    try:
        return act()
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
