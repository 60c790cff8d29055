"""The overview: how many came, registered and checked in, and who brought them."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from conferences.access import Role, signed_in, visible_conferences
from conferences.models import Conference, Member
from console.access import conference_page
from console.selectors import overview as selectors
from console.shell import render_page

_CHARTED = {"visitors": "uv", "views": "pv", "registrations": "registrations"}
_OTHERS = 20


@require_safe
@conference_page(Role.VIEWER)
def overview(request: HttpRequest, member: Member) -> HttpResponse:
    """The page. The range and the figure of the chart are in its address."""
    conference = member.conference
    given = request.GET.dict()
    span = selectors.read_range(conference, given)
    days = selectors.read_days(conference, span)
    counted = selectors.count_visitors(conference, span)
    sums = selectors.sum_days(days, span.first, span.last)
    tiles = _make_tiles(conference, span, sums, counted)
    figure = given.get("figure", "visitors")
    figure = figure if figure in _CHARTED else "visitors"
    others = _earlier_conferences(request, conference)
    beside = next((other for other in others if other.id == given.get("beside")), None)
    beside = beside or (others[0] if others else None)
    context: dict[str, Any] = {
        "span": span, "before": span.before, "ranges": selectors.RANGES.items(), "figure": figure,
        "tiles": tiles, "counted": counted, "sums": sums,
        "chart": selectors.draw_days(span, days, _CHARTED[figure]),
        "funnel": _make_funnel(sums, counted, checkins=tiles["checkins"]),
        "leaders": selectors.read_leaders(conference, span),
        "channels": selectors.read_channels(conference, span),
        "doors": selectors.draw_doors(conference, beside, now=span.now), "others": others, "beside": beside,
    }  # fmt: skip
    return render_page(request, "console/overview.html", context, member=member, place="overview")


def _make_tiles(
    conference: Conference, span: selectors.Range, sums: dict[str, int], counted: dict[str, Any]
) -> dict[str, Any]:
    """The figures with those of the same hours before, where these are known."""
    doors = conference.starts_at
    is_before_doors = doors is not None and doors > span.now and not sums["checkins"]
    return {
        "visitors": _compare(counted["visitors"], counted["visitors_before"]),
        "views": _compare(sums["pv"], counted["views_before"]),
        "checkins": None if is_before_doors else sums["checkins"],
        "days_to_doors": (doors - span.now).days if is_before_doors and doors else None,
    }


def _compare(now: int | None, before: int | None) -> dict[str, Any]:
    """None: not known any more."""
    if now is None or before is None:
        return {"now": now, "before": before, "change": None, "is_up": False}
    change = (now - before) / before if before else None
    return {"now": now, "before": before, "change": change, "is_up": now >= before}


def _make_funnel(
    sums: dict[str, int], counted: dict[str, Any], *, checkins: int | None
) -> list[dict[str, Any]]:
    """From a page view to the door. checkins: None while the doors have not opened."""
    whole = counted["visitors"]
    steps = [
        ("viewed", whole), ("opened", counted["openers"]), ("registered", sums["registrations"]),
        ("checked_in", checkins),
    ]  # fmt: skip
    return [
        {"name": name, "count": count, "part": count / whole if whole and count is not None else None}
        for name, count in steps
    ]


def _earlier_conferences(request: HttpRequest, conference: Conference) -> list[Conference]:
    """Conferences of the user that began before this one, to compare with; the latest first."""
    if conference.starts_at is None:
        return []
    mine = visible_conferences(signed_in(request.user)).exclude(pk=conference.pk)
    earlier = mine.filter(starts_at__lt=conference.starts_at - dt.timedelta(days=1))
    return list(earlier.order_by("-starts_at")[:_OTHERS])
