"""The form of a message to registrants: to whom, and the text in each language of the conference."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.states import State
from console.forms.conferences import LocalDateTimeField
from notifications.models import Mailing
from notifications.selections import MAX_IDS

MAX_SUBJECT = 150
MAX_BODY = 10_000
MAX_SMS = 600
_ENTERED = {"in": True, "out": False}


class MessageForm(forms.Form):
    """Fields `subject-<language>` and `body-<language>` for each language; the main one is required."""

    channel = forms.ChoiceField(
        label=_("Goes by"), choices=[("email", _("Mail")), ("sms", _("SMS"))], widget=forms.RadioSelect,
        help_text=_("Of an SMS the text alone is sent; the subject names it in your lists."),
    )  # fmt: skip
    states = forms.MultipleChoiceField(
        label=_("State of their registration"), choices=State.choices, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    entered = forms.ChoiceField(
        label=_("At the door"), required=False,
        choices=[("", _("Everybody")), ("in", _("Checked in")), ("out", _("Not checked in"))],
    )  # fmt: skip
    brought = forms.IntegerField(
        label=_("Brought at least"), required=False, min_value=1, max_value=1_000_000,
        help_text=_("Registrations that came through their share links. Empty: does not matter."),
    )  # fmt: skip
    # The chosen ones, by id. They come with the address of the form.
    ids = forms.CharField(required=False, widget=forms.HiddenInput, max_length=33 * MAX_IDS)

    def __init__(self, conference: Conference, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial={"channel": "email", "states": [State.APPROVED], **(initial or {})})
        names = dict(settings.LANGUAGES)
        self.languages = [(code, names.get(code, code)) for code in conference.languages]
        for code, _name in self.languages:
            self.fields[f"subject-{code}"] = forms.CharField(
                label=_("Subject"), max_length=MAX_SUBJECT, required=False,
                widget=forms.TextInput(attrs={"lang": code}),
            )  # fmt: skip
            self.fields[f"body-{code}"] = forms.CharField(
                label=_("Text"), max_length=MAX_BODY, required=False,
                widget=forms.Textarea(attrs={"lang": code, "rows": 12}),
            )  # fmt: skip

    @property
    def text_fields(self) -> list[dict[str, Any]]:
        return [
            {"language": name, "subject": self[f"subject-{code}"], "body": self[f"body-{code}"]}
            for code, name in self.languages
        ]

    @property
    def chosen(self) -> list[str]:
        """The ids of those who were chosen one by one; none if a selection decides."""
        given = self["ids"].value() or ""
        return [key for key in str(given).split(",")[:MAX_IDS] if key.isalnum() and len(key) <= 32]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for place, (code, _name) in enumerate(self.languages):
            subject, body = cleaned.get(f"subject-{code}"), cleaned.get(f"body-{code}")
            if not (subject or body) and place:
                continue
            for name, value in ((f"subject-{code}", subject), (f"body-{code}", body)):
                if not value and name not in self.errors:
                    self.add_error(name, _("Subject and text belong together; the main language needs both."))
            if cleaned.get("channel") == "sms" and len(body or "") > MAX_SMS:
                message = _("An SMS has at most %(most)d characters.") % {"most": MAX_SMS}
                self.add_error(f"body-{code}", message)
        return cleaned

    def texts(self) -> dict[str, dict[str, str]]:
        """Return the texts as `Mailing` has them, the main language first."""
        return {
            code: {
                "subject": self.cleaned_data[f"subject-{code}"],
                "body": self.cleaned_data[f"body-{code}"],
            }
            for code, _name in self.languages
            if self.cleaned_data.get(f"subject-{code}")
        }

    def selection(self) -> dict[str, Any]:
        """Return the selection as notifications/selections.py reads it."""
        given = self.cleaned_data
        found: dict[str, Any] = {"states": given["states"]}
        if given["entered"]:
            found["checked_in"] = _ENTERED[given["entered"]]
        if given["brought"]:
            found["brought"] = given["brought"]
        if self.chosen:
            found["ids"] = self.chosen
        return found


def initial_of(mailing: Mailing) -> dict[str, Any]:
    """Return the form's values of a draft."""
    selection = mailing.selection
    entered = {True: "in", False: "out"}.get(selection.get("checked_in"), "")
    values = {
        "channel": mailing.channel, "states": selection.get("states", []), "entered": entered,
        "brought": selection.get("brought"), "ids": ",".join(selection.get("ids", [])),
    }  # fmt: skip
    for code, text in mailing.texts.items():
        values |= {f"subject-{code}": text["subject"], f"body-{code}": text["body"]}
    return values


class SendForm(forms.Form):
    """When a message goes out: now, or at a time of the conference's zone."""

    scheduled_for = LocalDateTimeField(label=_("Send at"), help_text=_("Empty: now."))
