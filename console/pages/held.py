"""Reports beyond the quota: what waits, and what an organizer decides about it."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics import holding
from analytics.models import HoldDecision
from analytics.selectors.held import find_held
from analytics.tasks import carry_out_hold_decisions
from conferences.access import Role, signed_in
from conferences.models import Member
from console.access import conference_page
from console.shell import render_page
from meeteasy.core.jobs import wake

_SHOWN = 100
_DECISIONS = 10


@require_safe
@conference_page(Role.HELPER)
def held(request: HttpRequest, member: Member) -> HttpResponse:
    """The reports that wait, and the last decisions."""
    found = list(find_held(member.conference_id)[: _SHOWN + 1])
    decisions = HoldDecision.objects.filter(conference_id=member.conference_id).order_by("-decided_at")
    context = {
        "reports": found[:_SHOWN], "is_cut": len(found) > _SHOWN, "decisions": decisions[:_DECISIONS],
    }  # fmt: skip
    return render_page(request, "console/held.html", context, member=member, place="held")


@require_POST
@conference_page(Role.OWNER)
def decide(request: HttpRequest, member: Member) -> HttpResponse:
    """Release or void the chosen reports, or all that are held now."""
    action = request.POST.get("action", "")
    if action not in HoldDecision.Action.values:
        raise BadRequest("There is no such decision.")
    chosen = [text[:80] for text in request.POST.getlist("event")[: holding.MAX_EVENTS]]
    if not chosen and not request.POST.get("all"):
        messages.error(request, _("Choose reports first, or all of them."))
        return redirect("console-held", member.conference_id)
    holding.decide(
        conference_id=member.conference_id,
        action=HoldDecision.Action(action),
        event_ids=[] if request.POST.get("all") else chosen,
        reason=request.POST.get("reason", "").strip()[:500],
        by=signed_in(request.user).get_username(),
    )
    wake(carry_out_hold_decisions)
    messages.success(request, _("Decided. The figures follow within seconds."))
    return redirect("console-held", member.conference_id)
