"""One person: everything about them in one place, and what can be done about it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conferences import badges
from conferences.access import Role, get_check_in, get_registration, may, signed_in
from conferences.models import Member, Registration
from conferences.selectors.registrations import active_check_in
from conferences.services import checkins
from conferences.states import Action, State, next_state
from console.access import conference_page
from console.selectors import person as selectors
from console.selectors.notification_rows import make_rows
from console.services.people import add_person
from console.shell import render_page, zone_of
from meeteasy.core.errors import RefusedError
from notifications.selectors.notifications import READ_ROLE, list_of_person
from sharing.models import Void
from sharing.services import voiding

_MESSAGES = 50
_CHECK_INS = 50


@conference_page(Role.VIEWER)
@require_safe
def person(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    """State, path, people brought, messages, check-ins, answers, history."""
    found = _find(request, member, registration_id, role=Role.VIEWER)
    check_ins = list(
        found.check_ins.select_related("checked_in_by", "undone_by").order_by("-checked_in_at", "-id")[
            :_CHECK_INS
        ]
    )
    state = State(found.state)
    context: dict[str, Any] = {
        "person": found, "check_in": active_check_in(found), "check_ins": check_ins,
        "way": selectors.read_way(found), "brought": selectors.read_brought_by(found),
        "answers": selectors.read_answers(found, get_language() or "en"),
        "history": selectors.read_history(found, check_ins), "is_void": selectors.is_void(found),
        "can": {str(action): next_state(state, action) not in (None, state) for action in Action},
    }  # fmt: skip
    if may(member.role, READ_ROLE):
        mails = list_of_person(found)[:_MESSAGES]
        context["mails"] = make_rows(found.conference, mails, now=timezone.now())
    return render_page(request, "console/person.html", context, member=member, place="people")


@conference_page(Role.HELPER)
@require_safe
def badge(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    """A page to print: name, conference and code. Whoever holds it can come in."""
    found = _find(request, member, registration_id)
    try:
        badges.check_admissible(found)
    except RefusedError as error:
        messages.error(request, error.message)
        return redirect("console-person", member.conference_id, found.id)
    context = {"person": found, "zone": zone_of(member.conference)}
    return render_page(request, "console/badge.html", context, member=member, place="people")


@conference_page(Role.HELPER)
@require_POST
def check_in(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    found = _find(request, member, registration_id)
    try:
        checkins.check_in(found.id, by=signed_in(request.user), method="desk")
    except RefusedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(name)s is checked in.") % {"name": found.name})
    return redirect("console-person", member.conference_id, found.id)


@conference_page(Role.HELPER)
@require_POST
def undo_check_in(request: HttpRequest, member: Member, check_in_id: str) -> HttpResponse:
    found = get_check_in(request.user, member.conference_id, check_in_id, role=Role.HELPER)
    checkins.undo_check_in(found.id, by=signed_in(request.user))
    messages.success(request, _("The check-in was undone."))
    return redirect("console-person", member.conference_id, found.registration_id)


@conference_page(Role.HELPER)
@require_POST
def register_again(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    """Reinstate a cancelled registration, unless the person has a newer one from a version before 1.0.0."""
    found = _find(request, member, registration_id)
    if found.state != State.CANCELLED:
        return redirect("console-person", member.conference_id, found.id)
    made = add_person(
        member.conference, by=signed_in(request.user), name=found.name, email=found.email,
        phone=found.phone, language=found.language, answers=found.answers, visitor_id=found.visitor_id,
        share_code=found.share_code, sends_mail=True,
    )  # fmt: skip
    if made.created:
        messages.success(request, _("%(name)s is registered again.") % {"name": found.name})
    else:
        messages.success(
            request, _("%(name)s was registered again before: this is it.") % {"name": found.name}
        )
    return redirect("console-person", member.conference_id, made.registration.id)


@conference_page(Role.OWNER)
@require_POST
def void(request: HttpRequest, member: Member, registration_id: str) -> HttpResponse:
    """Take a registration out of the figures, or back in."""
    found = _find(request, member, registration_id, role=Role.OWNER)
    by, reason = signed_in(request.user), request.POST.get("reason", "").strip()[:500]
    try:
        if request.POST.get("undo"):
            voiding.undo_void(member.conference, kind=Void.Kind.REGISTRATION, key=found.id, by=by)
            messages.success(request, _("It counts again."))
        elif not reason:
            messages.error(request, _("Say why: the reason stays in the history."))
        else:
            voiding.void(
                member.conference, kind=Void.Kind.REGISTRATION, key=found.id, reason=reason, by=by
            )  # fmt: skip
            messages.success(request, _("It does not count any more."))
    except RefusedError as error:
        messages.error(request, error.message)
    return redirect("console-person", member.conference_id, found.id)


def _find(
    request: HttpRequest, member: Member, registration_id: str, *, role: Role = Role.HELPER
) -> Registration:
    found = get_registration(request.user, member.conference_id, registration_id, role=role)
    found.conference = member.conference
    return found
