"""The overview: how many came, registered and checked in, and who brought them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.ranges.segments import NotReadyError
from analytics.selectors.summary import MAX_ROWS, BeyondRetentionError, get_panel
from conferences.access import Role, signed_in, visible_conferences
from conferences.models import Member
from console import panels
from console.access import conference_page
from console.asking import RANGES, Asked, read_asked
from console.selectors import figures
from console.selectors import overview as selectors
from console.selectors.doors import draw_doors
from console.shell import render_page

_NOT_READY = 503
_RETRY_AFTER_SECONDS = "5"
# Behind which nothing is listed: whoever needs more takes the export.
_MAX_PAGES = 200


@require_safe
@conference_page(Role.VIEWER)
def overview(request: HttpRequest, member: Member) -> HttpResponse:
    """The page. What it shows stands in its address (console/asking.py)."""
    conference = member.conference
    asked = read_asked(conference, request.GET)
    others = selectors.find_earlier(visible_conferences(signed_in(request.user)), conference)
    beside = next((other for other in others if other.id == asked.beside), others[0] if others else None)
    try:
        shown = selectors.read_overview(conference, asked, opens=selectors.opens_to(conference, asked))
    except NotReadyError:
        return _render_not_ready(request, member, asked)
    context = {
        **frame(asked), **shown,
        "leaders": None if asked.filters else selectors.read_leaders(conference, asked),
        "doors": draw_doors(conference, beside, now=asked.span.now), "others": others, "beside": beside,
    }  # fmt: skip
    return render_page(request, "console/overview.html", context, member=member, place="overview")


@require_safe
@conference_page(Role.VIEWER)
def panel(request: HttpRequest, member: Member, name: str) -> HttpResponse:
    """All rows of a panel, as far as a page can hold them."""
    kind = panels.KINDS.get(name)
    if kind is None:
        raise Http404("There is no such panel.")
    asked = read_asked(member.conference, request.GET)
    span = asked.span
    try:
        found = get_panel(
            member.conference, name, first=span.first, last=span.last, filters=asked.filters, limit=MAX_ROWS
        )
    except NotReadyError:
        return _render_not_ready(request, member, asked)
    except BeyondRetentionError:
        return _render_beyond_retention(request, member, asked)
    context = {**frame(asked), "panel": panels.present(kind, found, asked)}
    return render_page(request, "console/panel.html", context, member=member, place="overview")


@require_safe
@conference_page(Role.VIEWER)
def figure(request: HttpRequest, member: Member, name: str) -> HttpResponse:
    """What a figure consists of: its days, and its events, the latest first."""
    kind = figures.KINDS.get(name)
    if kind is None:
        raise Http404("There is no such figure.")
    asked = read_asked(member.conference, request.GET)
    number = _read_page(request.GET.get("page", ""))
    try:
        shown = figures.read_figure(member.conference, kind, asked, page=number)
    except NotReadyError:
        return _render_not_ready(request, member, asked)
    except BeyondRetentionError:
        return _render_beyond_retention(request, member, asked)
    context = {
        **frame(asked),
        **shown,
        "page": number,
        "may_go_on": shown["has_more"] and number < _MAX_PAGES,
    }
    return render_page(request, "console/figure.html", context, member=member, place="overview")


def _read_page(text: str) -> int:
    """The number of a page of a list, within bounds."""
    return max(1, min(int(text), _MAX_PAGES)) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def frame(asked: Asked) -> dict[str, Any]:
    """Return what the head of a page of figures needs: range picker, chips, search, problems."""
    return {
        "asked": asked, "span": asked.span, "ranges": RANGES.items(), "figure": asked.figure,
        "chips": panels.describe_filters(asked), "kinds": panels.KINDS.values(),
    }  # fmt: skip


def _render_not_ready(request: HttpRequest, member: Member, asked: Asked) -> HttpResponse:
    answer = render_page(
        request, "console/not_ready.html", frame(asked), member=member, place="overview", status=_NOT_READY
    )
    answer["Retry-After"] = _RETRY_AFTER_SECONDS
    return answer


def _render_beyond_retention(request: HttpRequest, member: Member, asked: Asked) -> HttpResponse:
    """Say that the events are deleted; another range may be picked."""
    return render_page(
        request, "console/beyond_retention.html", frame(asked), member=member, place="overview", status=410
    )
