"""The check-in desk: finding an attendee by badge or name, and letting them in. No address is shown here.

The page works without JavaScript; with it, desk_scans.py has what it asks for (docs/check-in-desk.md).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conferences import badges
from conferences.access import Role, get_check_in, get_registration, signed_in
from conferences.models import CheckIn, Member, Registration
from conferences.selectors.desk import get_settings
from conferences.selectors.registrations import active_check_in, find_by_name, with_check_ins
from conferences.services import checkins
from console.access import conference_page
from console.pages.desk_answers import TEXTS
from console.shell import render_page
from meeteasy.core.errors import RefusedError

_SHOWN = 20


@dataclass(frozen=True)
class Found:
    registration: Registration
    check_in: CheckIn | None

    @property
    def may_enter(self) -> bool:
        return self.registration.state == Registration.State.APPROVED


@require_safe
@csp_update({"script-src": [SELF, "'wasm-unsafe-eval'"]})  # the reader of QR codes; on this page alone
@conference_page(Role.STEWARD)
def desk(request: HttpRequest, member: Member) -> HttpResponse:
    """Search by name or badge code. What a badge holds finds exactly its attendee."""
    q = request.GET.get("q", "").strip()[:512]
    context: dict[str, Any] = {
        "q": q, "found": None, "gates": get_settings(member.conference).gates,
        "texts": {name: str(text) for name, text in TEXTS.items()},
    }  # fmt: skip
    if q:
        try:
            rows = _find(member, q)
        except RefusedError as error:
            rows, context["problem"] = [], error.message
        context["is_cut"] = len(rows) > _SHOWN
        context["found"] = [Found(row, active_check_in(row)) for row in rows[:_SHOWN]]
    return render_page(request, "console/desk.html", context, member=member, place="desk")


@require_POST
@conference_page(Role.STEWARD)
def check_in(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    found = get_registration(request.user, member.conference_id, registration_id, role=Role.STEWARD)
    try:
        outcome = checkins.check_in(found.id, by=signed_in(request.user), method="desk")
    except RefusedError as error:
        messages.error(request, error.message)
    else:
        text = _("%(name)s is checked in.") if outcome.created else _("%(name)s was checked in already.")
        messages.success(request, text % {"name": found.name})
    return _back(request, member)


@require_POST
@conference_page(Role.HELPER)
def undo(request: HttpRequest, member: Member, check_in_id: str) -> HttpResponse:
    found = get_check_in(request.user, member.conference_id, check_in_id, role=Role.HELPER)
    checkins.undo_check_in(found.id, by=signed_in(request.user))
    messages.success(request, _("The check-in was undone."))
    return _back(request, member)


def _find(member: Member, q: str) -> list[Registration]:
    if ":" in q:  # a signed code; names have none
        code = badges.find_by_code(member.conference, q)
        return list(with_check_ins(Registration.objects.filter(pk=code.pk)))
    return find_by_name(member.conference, q, limit=_SHOWN + 1)


def _back(request: HttpRequest, member: Member) -> HttpResponse:
    query = urlencode({"q": request.POST.get("q", "")[:512]})
    return redirect(f"{reverse('console-desk', args=[member.conference_id])}?{query}")
