"""Forms about registrants: adding one by hand, with the conference's own questions."""

from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.questions import Kind, Question, check_answers, read_questions, text_in

_PREFIX = "answers."


class PersonForm(forms.Form):
    """A person whom an organizer adds. Nothing but name and mail is required of organizers."""

    name = forms.CharField(label=_("Full name"), max_length=200)
    email = forms.CharField(
        label=_("Mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    phone = forms.CharField(
        label=_("Phone"), max_length=50, required=False, widget=forms.TextInput(attrs={"type": "tel"}),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language of their mails"))
    sends_mail = forms.BooleanField(
        label=_("Send them the confirmation with their badge"), required=False, initial=True
    )

    def __init__(self, conference: Conference, data: Any = None) -> None:
        super().__init__(data)
        names = dict(settings.LANGUAGES)
        choices = [(code, names.get(code, code)) for code in conference.languages]
        self.fields["language"].choices = choices  # type: ignore[attr-defined]
        # Answers are decoration of what an organizer adds: none is asked for.
        self._questions = [
            msgspec.structs.replace(question, required=False)
            for question in read_questions(conference.questions)
        ]
        for question in self._questions:
            self.fields[_PREFIX + question.key] = _make_field(question)

    @property
    def answer_fields(self) -> list[forms.BoundField]:
        return [self[_PREFIX + question.key] for question in self._questions]

    def person(self) -> dict[str, Any]:
        """Return the arguments of `add_person`."""
        given = {
            question.key: self.cleaned_data[_PREFIX + question.key]
            for question in self._questions
            if self.cleaned_data[_PREFIX + question.key] not in ("", None, [], False)
        }
        own = {name: self.cleaned_data[name] for name in ("name", "email", "phone", "language", "sends_mail")}
        return {**own, "answers": check_answers(self._questions, given)}


def _make_field(question: Question) -> forms.Field:
    language = get_language() or "en"
    label = text_in(question.label, language)
    options = [(option.value, text_in(option.label, language) or option.value) for option in question.options]
    match question.kind:
        case Kind.CHOICE:
            return forms.ChoiceField(label=label, choices=[("", "–"), *options], required=False)
        case Kind.SEVERAL:
            widget = forms.CheckboxSelectMultiple
            return forms.MultipleChoiceField(label=label, choices=options, required=False, widget=widget)
        case Kind.NUMBER:
            return forms.FloatField(label=label, required=False)
        case Kind.CONSENT:
            return forms.BooleanField(label=label, required=False)
        case _:
            return forms.CharField(label=label, required=False, max_length=2000)
