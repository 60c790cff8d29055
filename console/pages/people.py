"""Registrations: finding people, and deciding about one or many."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Job, Member, Registration
from conferences.services import exporting, jobs
from conferences.states import Action, State
from console.access import conference_page
from console.selectors.people_list import CHECKED_IN, PeopleFilter, count_states, find_people, make_rows
from console.services.people import DECIDED_AT_ONCE, Decided, decide_each
from console.shell import render_page
from meeteasy.core.errors import RefusedError
from meeteasy.core.paging import BadCursorError, read_page

A_PAGE = 50
_WRITE = "write"
_STATES = (State.PENDING, State.APPROVED, State.WAITING, State.CANCELLED, State.REJECTED)


@conference_page(Role.VIEWER)
@require_safe
def people(request: HttpRequest, member: Member) -> HttpResponse:
    """The registrations that match, a page at a time, newest first."""
    conference = member.conference
    wanted = read_filter(request.GET)
    problem, found = "", Registration.objects.none()
    try:
        found = find_people(conference, wanted)
    except RefusedError as error:
        problem = error.message
    cursor = request.GET.get("cursor", "")[:400]
    try:
        page, following = read_page(found, wanted.order, limit=A_PAGE, cursor=cursor)
    except BadCursorError:
        raise Http404("There is no such page.") from None
    counts = count_states(conference)
    total = _count(found, wanted, counts)
    context: dict[str, Any] = {
        "filter": wanted, "problem": problem, "rows": make_rows(conference, page), "next": following,
        "cursor": cursor, "total": total, "counts": counts, "states": _describe_states(wanted, counts),
        "working": Job.objects.defer("content").filter(
            conference=conference, kind=Job.Kind.DECISION, finished_at=None
        ).first(),
        "is_exported_at_once": total <= exporting.ROWS_AT_ONCE,
        "export_query": _export_query(wanted),
    }  # fmt: skip
    return render_page(request, "console/people.html", context, member=member, place="people")


@conference_page(Role.HELPER)
@require_POST
def decide(request: HttpRequest, member: Member) -> HttpResponse:
    """Approve, reject or cancel the chosen people, or write to them. All that match are confirmed first."""
    conference, action = member.conference, request.POST.get("action", "")
    if action != _WRITE and action not in set(Action):
        raise BadRequest("There is no such decision.")
    wanted = read_filter(request.POST)
    back = reverse("console-people", args=[conference.id]) + wanted.address()
    ids = [key[:32] for key in request.POST.getlist("id")[:DECIDED_AT_ONCE]]
    if not ids and not request.POST.get("all"):
        messages.error(request, _("Choose people first."))
        return redirect(back)
    if action == _WRITE:
        return _write(conference, wanted, [] if request.POST.get("all") else ids)
    if request.POST.get("all"):
        return _decide_all(request, member, action, wanted)
    by = signed_in(request.user)
    _report(request, action, decide_each(conference, ids, Action(action), by=by))
    person = request.POST.get("person", "")
    return redirect("console-person", conference.id, person) if person in ids else redirect(back)


def _write(conference: Conference, wanted: PeopleFilter, ids: list[str]) -> HttpResponse:
    """Go on to a message: to the chosen people, or to all in the state and at the door of the filter."""
    query = [("person", key) for key in ids]
    query += [(name, value) for name, value in (("state", wanted.state), ("in", wanted.entered)) if value]
    return redirect(f"{reverse('console-message-new', args=[conference.id])}?{urlencode(query)}")


def _decide_all(request: HttpRequest, member: Member, action: str, wanted: PeopleFilter) -> HttpResponse:
    conference = member.conference
    try:
        found = find_people(conference, wanted)
    except RefusedError as error:
        messages.error(request, error.message)
        return redirect("console-people", conference.id)
    count = found.count()
    if not request.POST.get("confirmed"):
        context = {"filter": wanted, "action": action, "count": count}
        return render_page(request, "console/people_confirm.html", context, member=member, place="people")
    by = signed_in(request.user)
    if count <= DECIDED_AT_ONCE:
        ids = list(found.order_by("id").values_list("id", flat=True)[:DECIDED_AT_ONCE])
        _report(request, action, decide_each(conference, ids, Action(action), by=by))
        return redirect(reverse("console-people", args=[conference.id]) + wanted.address())
    job = jobs.start_decision(
        conference=conference, action=Action(action), matching=wanted.matching(), by=by
    )  # fmt: skip
    return redirect("console-people-job", conference.id, job.pk)


def read_filter(given: Any) -> PeopleFilter:
    """Read the filter of an address or a form. Unknown states are no filter."""
    state, entered = given.get("state", ""), given.get("in", "")
    return PeopleFilter(
        q=given.get("q", "").strip()[:254],
        state=state if state in State.values else "",
        entered=entered if entered in CHECKED_IN else "",
    )


def _count(found: Any, wanted: PeopleFilter, counts: dict[str, int]) -> int:
    if not wanted.q and not wanted.entered:
        return counts[wanted.state or "all"]
    return int(found.count())


def _describe_states(wanted: PeopleFilter, counts: dict[str, int]) -> list[dict[str, Any]]:
    states = [("", _("All"), counts["all"])]
    states += [(state.value, str(state.label), counts[state]) for state in _STATES]
    return [
        {
            "label": label, "count": count, "address": wanted.address(state=value),
            "is_here": value == wanted.state,
        }
        for value, label, count in states
    ]  # fmt: skip


def _export_query(wanted: PeopleFilter) -> str:
    """Return the filter as the list of the API takes it."""
    entered = CHECKED_IN.get(wanted.entered)
    given = {
        "q": wanted.q, "state": wanted.state, "checked_in": "" if entered is None else str(entered).lower(),
    }  # fmt: skip
    return urlencode({name: value for name, value in given.items() if value})


def _report(request: HttpRequest, action: str, outcome: Decided) -> None:
    done = {
        Action.APPROVE: ngettext("%d person was approved.", "%d people were approved.", outcome.count),
        Action.REJECT: ngettext("%d person was rejected.", "%d people were rejected.", outcome.count),
        Action.CANCEL: ngettext(
            "%d registration was cancelled.", "%d registrations were cancelled.", outcome.count
        ),
    }[Action(action)]
    if outcome.count:
        messages.success(request, done % outcome.count)
    for text in outcome.refused[:5]:
        messages.error(request, text)
    if (more := len(outcome.refused) - 5) > 0:
        messages.error(request, ngettext("And %d more.", "And %d more.", more) % more)
