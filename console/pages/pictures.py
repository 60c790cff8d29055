"""Pictures for event pages, below the editor: upload, see them come, delete."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Member
from console.access import conference_page
from console.labels import describe_upload_refusal
from console.pages.event_page import check_language
from console.selectors.pictures import load_picture_rows
from console.services.pictures import remove_picture, upload_picture
from meeteasy.core.errors import RefusedError
from visuspace.access import get_picture

AT_ONCE = 10


@require_safe
@conference_page(Role.HELPER)
def picture_rows(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """The pictures alone. The page asks for them again while one is being made."""
    conference = check_language(member, language)
    rows = load_picture_rows(conference)
    context = {
        "conference": conference, "language": language, "pictures": rows,
        "pictures_waiting": any(row.is_waiting for row in rows),
    }  # fmt: skip
    return render(request, "console/parts/picture_rows.html", context)


@require_POST
@conference_page(Role.HELPER)
def upload(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """Take pictures in. A refused one does not affect the others."""
    conference = check_language(member, language)
    given = request.FILES.getlist("file")
    taken = 0
    for file in given[:AT_ONCE]:
        try:
            upload_picture(conference, file=file, file_name=file.name or "", by=signed_in(request.user))
            taken += 1
        except RefusedError as error:
            messages.error(request, f"{file.name}: {describe_upload_refusal(error)}")
    if taken:
        text = ngettext("%d picture was taken in.", "%d pictures were taken in.", taken) % taken
        messages.success(request, text)
    elif not given:
        messages.error(request, _("Choose a picture first."))
    return redirect("console-page-edit", conference.id, language)


@require_POST
@conference_page(Role.HELPER)
def remove(request: HttpRequest, member: Member, language: str, picture_id: str) -> HttpResponse:
    """Delete a picture. Pages that show it do so no more."""
    conference = check_language(member, language)
    picture = get_picture(request.user, picture_id, role=Role.HELPER)
    if picture.conference_id != conference.id:
        raise Http404(f"This conference has no picture {picture_id!r}.")
    remove_picture(picture)
    messages.success(request, _("%(file)s was deleted.") % {"file": picture.file_name})
    return redirect("console-page-edit", conference.id, language)
