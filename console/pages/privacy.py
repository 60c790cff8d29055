"""What is known of a person: exporting all of it, and erasing the person."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from conferences.access import Role, get_registration
from conferences.models import Member
from conferences.selectors.registrations import find_registrations
from conferences.services.erasing import erase_registration
from console.access import conference_page
from console.selectors.personal_data import write_personal_data
from console.shell import render_page

_SHOWN = 20


@conference_page(Role.OWNER)
@require_safe
def people(request: HttpRequest, member: Member) -> HttpResponse:
    """Find a registrant by name, address, number or id."""
    q = request.GET.get("q", "").strip()[:200]
    found = list(find_registrations(member.conference, text=q)[: _SHOWN + 1]) if q else None
    context: dict[str, Any] = {
        "q": q, "found": None if found is None else found[:_SHOWN], "is_cut": len(found or []) > _SHOWN,
    }  # fmt: skip
    return render_page(request, "console/privacy.html", context, member=member, place="settings")


@conference_page(Role.OWNER)
@require_safe
def export(request: HttpRequest, member: Member, registration_id: str) -> HttpResponseBase:
    """Download all that is stored of a person, as JSON."""
    found = get_registration(request.user, member.conference_id, registration_id, role=Role.OWNER)
    answer = StreamingHttpResponse(write_personal_data(found), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="person-{found.id}.json"'
    return answer


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    """Ask, then erase. Figures stay, since they name nobody."""
    found = get_registration(request.user, member.conference_id, registration_id, role=Role.OWNER)
    if request.method == "POST":
        name = found.name
        erase_registration(found.id)
        messages.success(request, _("%(name)s was erased.") % {"name": name})
        return redirect("console-privacy", member.conference_id)
    return render_page(request, "console/erase.html", {"person": found}, member=member, place="settings")
