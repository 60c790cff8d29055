"""Files: drop one, see it become a PDF or pictures, or read why not."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member
from console.access import conference_page
from console.labels import describe_upload_refusal
from console.shell import render_page
from conversion.converters import CONVERTERS
from conversion.models import ConversionJob
from conversion.problems import describe
from conversion.selectors.conversions import get_conversion, list_conversions, measure_usage
from conversion.services import removing
from conversion.services.uploading import start_conversion
from meeteasy.core.errors import RefusedError

_SHOWN = 100
_FILES_AT_ONCE = 10
_PICTURES = ("picture", "thumbnail")


@require_safe
@conference_page(Role.HELPER)
def files(request: HttpRequest, member: Member) -> HttpResponse:
    """The form for uploads, and the conversions, newest first."""
    context = {
        **_list(member.conference),
        "targets": [(key, converter.label) for key, converter in sorted(CONVERTERS.items())],
        "used_bytes": measure_usage(member.conference),
        "files_at_once": _FILES_AT_ONCE,
    }
    return render_page(request, "console/files.html", context, member=member, place="files")


@require_safe
@conference_page(Role.HELPER)
def file_rows(request: HttpRequest, member: Member) -> HttpResponse:
    """The conversions alone. The page asks for them again while one is not finished."""
    context = {"conference": member.conference, **_list(member.conference)}
    return render(request, "console/parts/file_rows.html", context)


@require_POST
@conference_page(Role.HELPER)
def upload(request: HttpRequest, member: Member) -> HttpResponse:
    """Take files in. A refused one does not affect the others."""
    target = request.POST.get("target", "")
    if target not in CONVERTERS:
        raise BadRequest("There is no such target.")
    given = request.FILES.getlist("file")
    taken = 0
    for file in given[:_FILES_AT_ONCE]:
        try:
            start_conversion(
                conference=member.conference, file=file, file_name=file.name or "", target=target,
                parameters={}, by=signed_in(request.user),
            )  # fmt: skip
            taken += 1
        except RefusedError as error:
            messages.error(request, f"{file.name}: {describe_upload_refusal(error)}")
    if taken:
        text = ngettext("%d file was taken in.", "%d files were taken in.", taken) % taken
        messages.success(request, text)
    elif not given:
        messages.error(request, _("Choose a file first."))
    return redirect("console-files", member.conference_id)


@require_POST
@conference_page(Role.HELPER)
def retry(request: HttpRequest, member: Member, conversion_id: str) -> HttpResponse:
    job = get_conversion(request.user, conversion_id)
    try:
        removing.retry(job.pk)
    except RefusedError as error:
        messages.error(request, error.message)
    return redirect("console-files", job.conference_id)


@require_POST
@conference_page(Role.HELPER)
def remove(request: HttpRequest, member: Member, conversion_id: str) -> HttpResponse:
    job = get_conversion(request.user, conversion_id)
    removing.remove(job.pk)
    messages.success(request, _("%(file)s was deleted.") % {"file": job.file_name})
    return redirect("console-files", job.conference_id)


def _list(conference: Conference) -> dict[str, object]:
    found = list(list_conversions(conference)[: _SHOWN + 1])
    rows = [
        {
            "job": job,
            "target": CONVERTERS[job.target].label if job.target in CONVERTERS else job.target,
            "problem": describe(job.error_code) if job.error_code else "",
            "picture": job.status == ConversionJob.Status.DONE and job.target in _PICTURES,
        }
        for job in found[:_SHOWN]
    ]
    return {
        "rows": rows, "is_cut": len(found) > _SHOWN, "unfinished": any(not job.is_finished for job in found)
    }  # fmt: skip
