"""A participant's own page: badge, changing, cancelling, their link. The signed address is the only key.

Reading never changes anything, because mail scanners open every link in a mail. There is no cookie, so the
signature in the address stands in for a CSRF token.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from analytics import own_events
from conferences import badges, participants, signals
from conferences.models import Registration
from conferences.services.changing import is_changeable
from conferences.services.registrations import decide
from conferences.states import Action, State
from meeteasy.core.errors import RefusedError
from visuspace.forms import EnteredForm, show_details, submit_change
from visuspace.language import choose_language, interface_language
from visuspace.selectors.event_page import load_event_page

_DONE = frozenset({"changed", "cancelled", "link"})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def own_page(request: HttpRequest, conference_id: str, token: str) -> HttpResponse:
    """Show the page; a form of it changes the data, cancels, or asks for the share link."""
    registration = _find(conference_id, token)
    form = None
    with translation.override(interface_language(_language(request, registration))):
        if request.method == "POST":
            outcome = _act(request, registration)
            if isinstance(outcome, str):
                response = redirect("visuspace-own-page", conference_id, token)
                response["Location"] += f"?done={outcome}&lang={_language(request, registration)}"
                response.status_code = 303
                return _seal(response)
            form = outcome
        html = _render(request, registration, token, form)
    return _seal(HttpResponse(html, status=200 if form is None else 400))


@require_safe
def badge(request: HttpRequest, conference_id: str, token: str) -> HttpResponse:
    """Draw the badge's QR code."""
    registration = _find(conference_id, token)
    if registration.state != State.APPROVED:
        raise Http404("This registration has no badge.")
    picture = badges.draw_qr(badges.make_code(registration), kind="svg")
    return _seal(HttpResponse(picture, content_type=badges.KINDS["svg"]))


def _find(conference_id: str, token: str) -> Registration:
    found = participants.find_by_token(conference_id, token)
    if found is None:
        raise Http404("There is no such page.")
    return found


def _seal(response: HttpResponse) -> HttpResponse:
    """Keep the address out of referrers, search engines, caches and, where Django warns of a 400, the log."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-store"
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _language(request: HttpRequest, registration: Registration) -> str:
    wanted = [request.GET.get("lang", "").lower(), registration.language]
    return choose_language(registration.conference.languages, [code for code in wanted if code])


def _act(request: HttpRequest, registration: Registration) -> str | EnteredForm:
    """Do what a form asks for. Returns what was done, or the form with what is wrong."""
    match request.POST.get("action"):
        case "change":
            outcome = submit_change(request, registration)
            return outcome if isinstance(outcome, EnteredForm) else "changed"
        case "cancel":
            return _cancel(registration)
        case "link" if registration.visitor_id:
            own_events.send([own_events.share_row(registration, at=timezone.now())])
            return "link"
        case _:
            return _refuse(registration, _("Nothing was done: the form was incomplete."))


def _cancel(registration: Registration) -> str | EnteredForm:
    if not is_changeable(registration, now=timezone.now()):
        return _refuse(registration, _("This registration can no longer be changed."))
    try:
        decide(registration.id, Action.CANCEL, by=None)
    except RefusedError as error:
        return _refuse(registration, error.message)
    return "cancelled"


def _refuse(registration: Registration, message: str) -> EnteredForm:
    form = show_details(registration)
    form.refusal = message
    return form


def _render(request: HttpRequest, registration: Registration, token: str, form: EnteredForm | None) -> str:
    language, now = _language(request, registration), timezone.now()
    page = load_event_page(registration.conference, language=language, now=now)
    done = request.GET.get("done", "")
    context: dict[str, Any] = {
        "page": page,
        "registration": registration,
        "form": form or show_details(registration),
        "badge_url": reverse("visuspace-own-badge", args=[registration.conference_id, token]),
        "is_wrong": form is not None,
        "done": done if done in _DONE else "",
        "changeable": is_changeable(registration, now=now),
        "is_in": registration.check_ins.filter(undone_at=None).exists(),
        **_sharing(registration, asked=done == "link"),
    }
    return render_to_string("visuspace/own_page.html", context)


def _sharing(registration: Registration, *, asked: bool) -> dict[str, Any]:
    """Return the person's link and what it brought; without a visitor id they can have none of their own."""
    code, brought = "", 0
    told: Any = signals.participant_asked.send(Registration, registration=registration)
    for _receiver, found in told:
        code, brought = found
    if not code and asked and registration.visitor_id:
        code = own_events.own_code(registration)  # on its way into the tree
    return {"code": code, "brought": brought, "can_share": bool(registration.visitor_id)}
