"""Live: what happens right now. The figures come with the page; the socket keeps them up to date."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from conferences.access import Role
from conferences.models import Member
from console import charts
from console.access import conference_page
from console.selectors.minutes import MINUTES, count_minutes
from console.shell import render_page
from live.selectors import build_snapshot

_CHART_HEIGHT = 104


@require_safe
@conference_page(Role.VIEWER)
def live(request: HttpRequest, member: Member) -> HttpResponse:
    """The page. The chart of minutes is fetched again by itself."""
    _, snapshot = build_snapshot(member.conference_id)
    minutes = count_minutes(member.conference)
    ceiling = charts.nice_ceiling(max(minutes))
    drawn = charts.draw_bars(minutes, [], height=_CHART_HEIGHT, ceiling=ceiling)
    context = {
        "snapshot": snapshot,
        "bars": [
            (MINUTES - number, value, bar)
            for number, (value, bar) in enumerate(zip(minutes, drawn, strict=True))
        ],
        "most": max(minutes), "height": _CHART_HEIGHT, "minutes": MINUTES,
        "has_doors": bool(snapshot["attendance"]["checked_in"]),
    }  # fmt: skip
    return render_page(request, "console/live.html", context, member=member, place="live")
