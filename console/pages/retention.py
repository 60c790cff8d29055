"""How long events, messages and files are kept: what would be deleted is shown before it is set."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy
from django.views.decorators.http import require_http_methods

from conferences.access import Role
from conferences.models import Conference, Member
from conferences.models.conference import MAX_KEPT_DAYS
from conferences.services import retention
from console.access import conference_page
from console.shell import render_page

_SHOWN_DAYS = 14


def _days(label: Any, help_text: Any, least: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, min_value=least, max_value=MAX_KEPT_DAYS, required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip


class RetentionForm(forms.Form):
    keep_events_days = _days(
        gettext_lazy("Page views and other events: days"),
        gettext_lazy(
            "Daily figures, registrations, check-ins and credits stay. Days before can no longer be "
            "filtered or broken down. Empty: kept until the conference is deleted."
        ),
        30,
    )
    keep_messages_days = _days(
        gettext_lazy("Sent mails and SMS: days"),
        gettext_lazy("Who got which message. Empty: kept until the conference is deleted."),
        30,
    )
    keep_files_days = _days(
        gettext_lazy("Files, jobs and earlier drafts: days"),
        gettext_lazy(
            "Uploads and results, reports of imports, decisions and exports, and earlier states of event "
            "pages. Empty: files as long as this server keeps them, all else with the conference."
        ),
        1,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            retention.check_days(cleaned)
        except ValidationError as error:
            self.add_error(None, error)
        return cleaned


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, member: Member) -> HttpResponse:
    """The form; then what would be deleted, with a button that sets it."""
    conference = member.conference
    initial = {name: getattr(conference, name) for name in RetentionForm.base_fields}
    form = RetentionForm(request.POST or None, initial=initial)
    asked: dict[str, Any] | None = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        if "confirm" in request.POST:
            retention.set_retention(conference, **asked)
            messages.success(request, _saved(conference))
            return redirect("console-retention", conference.id)
    in_force_at, sealed = retention.in_force_at(conference), conference.events_deleted_before
    found = retention.preview(conference, asked)
    context = {
        "form": form, "is_tried": asked is not None, "preview": found, "kinds": _by_kind(found),
        "in_force_at": in_force_at, "deleted_before": sealed,
    }  # fmt: skip
    return render_page(request, "console/retention.html", context, member=member, place="settings")


def _saved(conference: Conference) -> str:
    if retention.in_force_at(conference) is None:
        return _("Saved. Nothing is deleted.")
    return _("Saved. Deletion begins in 24 hours; until then it can be taken back.")


def _by_kind(found: retention.Preview) -> list[dict[str, Any]]:
    """Return the kinds that have something to delete: total, and rows of each day, cut for the page."""
    totals = found.totals()
    shown = []
    for kind in retention.kinds():
        days = [due for due in found.due if due.kind == kind.name]
        if days:
            more = max(0, len(days) - _SHOWN_DAYS)
            text = ngettext_lazy("and %(count)d more day", "and %(count)d more days", "count")
            shown.append(
                {
                    "label": kind.label, "count": totals[kind.name], "days": days[:_SHOWN_DAYS],
                    "more": text % {"count": more} if more else "",
                }
            )  # fmt: skip
    return shown
