"""Settings of the check-in desk: its gates, the answers that it shows, and whether devices hold names."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conferences.access import Role
from conferences.contact import clean_line
from conferences.models import Conference, Member
from conferences.questions import read_questions, text_in
from conferences.selectors.desk import get_settings
from conferences.services.desk import change_settings
from console.access import conference_page
from console.forms.lines import LinesField
from console.shell import render_page

_MOST_GATES = 50


class DeskForm(forms.Form):
    gates = LinesField(
        label=gettext_lazy("Gates"),
        help_text=gettext_lazy("One a line. Each device chooses its own. Empty: devices name theirs freely."),
    )  # fmt: skip
    shown_questions = forms.MultipleChoiceField(
        label=gettext_lazy("Answers shown at a scan"), required=False, widget=forms.CheckboxSelectMultiple
    )
    names_offline = forms.BooleanField(
        label=gettext_lazy("Names on the devices"), required=False,
        help_text=gettext_lazy(
            "A device without network then shows and finds names and these answers, and whoever takes it can "
            "read them. Otherwise it holds digests of the codes only."
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, conference: Conference, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "en"
        field = self.fields["shown_questions"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (item.key, text_in(item.label, language)) for item in read_questions(conference.questions)
        ]

    def clean_gates(self) -> list[str]:
        gates = list(dict.fromkeys(clean_line(gate, most=100) for gate in self.cleaned_data["gates"]))
        if len(gates) > _MOST_GATES:
            raise ValidationError(_("At most %(most)s gates.") % {"most": _MOST_GATES})
        return gates


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def desk_settings(request: HttpRequest, member: Member) -> HttpResponse:
    """Show and change how the desk works."""
    conference = member.conference
    current = get_settings(conference)
    initial = {
        "gates": "\n".join(current.gates), "shown_questions": current.shown_questions,
        "names_offline": current.names_offline,
    }  # fmt: skip
    form = DeskForm(request.POST or None, initial=initial, conference=conference)
    if request.method == "POST" and form.is_valid():
        change_settings(conference, **form.cleaned_data)
        messages.success(request, _("Saved. Devices follow within minutes."))
        return redirect("console-desk-settings", conference.id)
    return render_page(request, "console/desk_settings.html", {"form": form}, member=member, place="settings")
