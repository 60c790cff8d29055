"""The list of conferences; creating, copying, archiving and deleting them; their settings."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member
from conferences.selectors.memberships import find_memberships
from conferences.services import create_conference, lifecycle, update_conference
from console.access import conference_page
from console.forms.conferences import (
    CopyConferenceForm,
    NewConferenceForm,
    ReminderRows,
    SettingsForm,
    reminder_hours,
    reminder_rows,
)
from console.selectors.conferences import DAYS, PAGE_SIZE, glance_at
from console.shell import home_url, render_page
from console.zones import list_zones


@require_safe
@login_required
def conference_list(request: HttpRequest) -> HttpResponse:
    """All conferences of the user at a glance. The figures come again every few seconds."""
    pages = Paginator(find_memberships(signed_in(request.user)), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    glances = [{"glance": glance, "url": home_url(glance.member)} for glance in glance_at(list(page))]
    context = {"page": page, "glances": glances, "days": DAYS}
    return render_page(request, "console/conferences.html", context, place="conferences")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    form = NewConferenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_conference(owner=signed_in(request.user), **form.cleaned_data)
        except ValidationError as error:
            _add_errors(form, error)
        else:
            messages.success(request, _("%(name)s was created.") % {"name": made.name})
            return redirect("console-settings", made.id)
    context = {"form": form, "zones": list_zones()}
    return render_page(request, "console/new_conference.html", context, place="conferences")


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, member: Member) -> HttpResponse:
    form = CopyConferenceForm(request.POST or None, initial={"name": member.conference.name})
    if request.method == "POST" and form.is_valid():
        try:
            made = lifecycle.copy_conference(
                member.conference, by=signed_in(request.user), **form.cleaned_data
            )
        except ValidationError as error:
            _add_errors(form, error)
        else:
            messages.success(request, _("%(name)s was created as a copy.") % {"name": made.name})
            return redirect("console-settings", made.id)
    return render_page(
        request, "console/copy_conference.html", {"form": form}, member=member, place="settings"
    )


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def change_settings(request: HttpRequest, member: Member) -> HttpResponse:
    """The settings. Adding a row for a reminder shows the form again and saves nothing."""
    conference = member.conference
    form = SettingsForm(conference, request.POST or None)
    rows = ReminderRows(
        request.POST or None, initial=reminder_rows(conference.reminder_hours_before), prefix="reminders"
    )
    if request.method == "POST" and "add_reminder" in request.POST:
        form, rows = _with_another_row(conference, request)
    elif request.method == "POST" and form.is_valid() and rows.is_valid():
        changes = form.changes()
        hours = reminder_hours(rows)
        if hours != conference.reminder_hours_before:
            changes["reminder_hours_before"] = hours
        try:
            if changes:
                update_conference(Conference.objects.get(pk=conference.pk), **changes)
        except ValidationError as error:
            _add_errors(form, error)
        else:
            messages.success(request, _("Settings saved."))
            return redirect("console-settings", conference.id)
    context = {
        "form": form, "reminders": rows, "zones": list_zones(), "waiting_days": lifecycle.WAITING_DAYS,
    }  # fmt: skip
    return render_page(request, "console/settings.html", context, member=member, place="settings")


@require_POST
@conference_page(Role.OWNER)
def archive(request: HttpRequest, member: Member) -> HttpResponse:
    if request.POST.get("undo"):
        lifecycle.unarchive_conference(member.conference)
        messages.success(request, _("The conference is in use again."))
    else:
        lifecycle.archive_conference(member.conference)
        messages.success(request, _("The conference is archived."))
    return redirect("console-settings", member.conference_id)


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, member: Member) -> HttpResponse:
    """Ask for the deletion. The short name is typed, so that no single click deletes anything."""
    conference = member.conference
    wrong = False
    if request.method == "POST":
        if request.POST.get("undo"):
            lifecycle.withdraw_deletion(conference)
            messages.success(request, _("The conference stays."))
            return redirect("console-settings", conference.id)
        wrong = request.POST.get("confirm", "").strip() != conference.id
        if not wrong:
            lifecycle.request_deletion(conference)
            text = _("%(name)s will be deleted in %(days)d days. Until then this can be taken back.")
            days = lifecycle.WAITING_DAYS
            messages.success(request, text % {"name": conference.name, "days": days})
            return redirect("console-conferences")
    context = {"waiting_days": lifecycle.WAITING_DAYS, "is_wrong": wrong}
    return render_page(request, "console/delete_conference.html", context, member=member, place="settings")


def _with_another_row(conference: Conference, request: HttpRequest) -> tuple[SettingsForm, Any]:
    """Return the form as it was filled in, unchecked, with one more row for a reminder."""
    data = request.POST.copy()
    count = data.get("reminders-TOTAL_FORMS", "0")
    data["reminders-TOTAL_FORMS"] = str(min(int(count) + 1 if count.isdecimal() else 1, 10))
    form, rows = SettingsForm(conference, data), ReminderRows(data, prefix="reminders")
    form._errors, rows._errors = {}, []  # type: ignore[attr-defined]  # shown as it is
    return form, rows


def _add_errors(form: Form, error: ValidationError) -> None:
    """Show a service's errors at the fields that the form has, the others above it."""
    for name, errors in error.message_dict.items():
        form.add_error(name if name in form.fields else None, errors)
