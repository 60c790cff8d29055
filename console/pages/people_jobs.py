"""Jobs about many registrations: their progress and report, the preview of an import; exports of any size."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role, get_export, get_job, signed_in
from conferences.models import ExportJob, Job, Member, Registration
from conferences.services import exporting, jobs
from console.access import conference_page
from console.pages.people import read_filter
from console.shell import render_page
from meeteasy.core.errors import RefusedError

_LINES_A_PAGE = 100
_ERRORS = 200
_EXPORTS = 20


@conference_page(Role.HELPER)
@require_safe
def job(request: HttpRequest, member: Member, job_id: str) -> HttpResponse:
    """A job. While it works the page fetches itself again; the preview of an import shows its lines."""
    found = get_job(request.user, member.conference_id, job_id)
    found.conference = member.conference
    context: dict[str, Any] = {
        "job": found, "is_preview": bool(found.arguments.get("keeps_file")),
        "problems": _name(found, found.errors[:_ERRORS]), "notes": found.warnings[:_ERRORS],
        "action": found.arguments.get("action", ""),
    }  # fmt: skip
    if context["is_preview"] and found.status == Job.Status.DONE:
        paginator = Paginator(range(found.total), _LINES_A_PAGE)
        page = paginator.get_page(request.GET.get("page"))
        start = max(0, page.start_index() - 1)
        lines = jobs.preview_import(found, start=start, count=_LINES_A_PAGE)
        context |= {"page": page, "lines": lines, "is_expired": not lines}
    return render_page(request, "console/people_job.html", context, member=member, place="people")


@conference_page(Role.HELPER)
@require_POST
def cancel_job(request: HttpRequest, member: Member, job_id: str) -> HttpResponse:
    """Stop a job. What it has done stays done."""
    found = get_job(request.user, member.conference_id, job_id)
    jobs.cancel_job(found)
    return redirect("console-people-job", member.conference_id, found.pk)


@conference_page(Role.HELPER)
@require_POST
def finish_preview(request: HttpRequest, member: Member, job_id: str) -> HttpResponse:
    """Import what was previewed, or delete its file."""
    found = get_job(request.user, member.conference_id, job_id)
    found.conference = member.conference
    if request.POST.get("discard"):
        jobs.forget_preview(found)
        messages.success(request, _("The file was deleted. Nothing was imported."))
        return redirect("console-people-import", member.conference_id)
    try:
        started = jobs.import_previewed(found, by=signed_in(request.user))
    except RefusedError as error:
        messages.error(request, error.message)
        return redirect("console-people-import", member.conference_id)
    return redirect("console-people-job", member.conference_id, started.pk)


@conference_page(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest, member: Member) -> HttpResponse:
    """Exports that run or wait to be downloaded. POST starts one, of any number of rows."""
    conference = member.conference
    if request.method == "POST":
        wanted = read_filter(request.POST)
        try:
            exporting.start_export(
                conference=conference, export="registrations", format="csv", parameters=wanted.matching(),
                by=signed_in(request.user),
            )  # fmt: skip
        except ValidationError as error:
            raise BadRequest(" ".join(error.messages)) from None
        return redirect("console-exports", conference.id)
    found = ExportJob.objects.select_related("created_by").filter(
        conference=conference, export="registrations"
    )[:_EXPORTS]
    rows = list(found)
    context = {"exports": rows, "is_working": any(not row.is_finished for row in rows)}
    return render_page(request, "console/exports.html", context, member=member, place="people")


@conference_page(Role.VIEWER)
@require_POST
def cancel_export(request: HttpRequest, member: Member, export_id: str) -> HttpResponse:
    exporting.cancel_export(get_export(request.user, member.conference_id, export_id))
    return redirect("console-exports", member.conference_id)


def _name(found: Job, errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the names to the problems of decisions, which have ids only.

    Workers note problems in English; those without values in them are known in the reader's language.
    """
    ids = [error["id"] for error in errors if "id" in error]
    names = dict(
        Registration.objects.filter(conference_id=found.conference_id, id__in=ids).values_list("id", "name")
    )
    return [
        {**error, "name": names.get(error.get("id", ""), ""), "message": text and _(text)}
        for error in errors
        for text in [error["message"]]
    ]
