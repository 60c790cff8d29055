"""The admin of held reports: operators release or void them with a reason, and see what was decided."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from analytics import holding
from analytics.models import Event, HeldReport, HoldDecision
from analytics.selectors.held import find_all_held
from analytics.tasks import carry_out_hold_decisions
from conferences.admin.scoping import OfMembers
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin
from meeteasy.core.jobs import wake

# Of how many conferences one action decides about all that is held.
MAX_CONFERENCES = 100


class DecisionForm(ActionForm):
    reason = forms.CharField(label=_("reason"), max_length=500, required=False)


@admin.register(HeldReport)
class HeldReportAdmin(OfMembers, ReadOnlyAdmin):
    action_form = DecisionForm
    actions = ["release", "void"]
    list_display = ["event_id", "type", "conference_id", "local_date", "visitor_id", "subject", "hold"]
    search_fields = ["conference_id__exact"]
    search_help_text = _("A whole conference id.")
    sortable_by = ()
    ordering = ["conference_id", "id"]
    paginator = BoundedPaginator
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[HeldReport]:
        return self.limit(request, find_all_held())

    @admin.display(description=_("event id"))
    def event_id(self, report: HeldReport) -> str:
        return report.event_id

    @admin.action(description=_("Release: count them"), permissions=["operate"])
    def release(self, request: HttpRequest, queryset: QuerySet[HeldReport]) -> None:
        self._decide(request, queryset, HoldDecision.Action.RELEASE)

    @admin.action(description=_("Void: never count them"), permissions=["operate"])
    def void(self, request: HttpRequest, queryset: QuerySet[HeldReport]) -> None:
        self._decide(request, queryset, HoldDecision.Action.VOID)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[HeldReport], action: HoldDecision.Action
    ) -> None:
        """Decide about the reports that are ticked, or about all of the conferences on the list."""
        event_ids: dict[str, list[str]]
        if request.POST.get("select_across") == "1":
            waiting = queryset.filter(hold=Event.Hold.HELD).order_by()
            found = waiting.values_list("conference_id", flat=True).distinct()[:MAX_CONFERENCES]
            event_ids = {conference_id: [] for conference_id in found}
        else:
            event_ids = {}
            for report in queryset[: holding.MAX_EVENTS]:
                event_ids.setdefault(report.conference_id, []).append(report.event_id)
        for conference_id, those in event_ids.items():
            holding.decide(
                conference_id=conference_id,
                action=action,
                event_ids=those,
                reason=request.POST.get("reason", "").strip()[:500],
                by=request.user.get_username(),
            )
        wake(carry_out_hold_decisions)
        text = ngettext(
            "A decision for %(count)d conference was noted. The workers carry it out.",
            "Decisions for %(count)d conferences were noted. The workers carry them out.",
            len(event_ids),
        )
        messages.success(request, text % {"count": len(event_ids)})


@admin.register(HoldDecision)
class HoldDecisionAdmin(OfMembers, ReadOnlyAdmin):
    list_display: Any = [
        "conference_id",
        "action",
        "event_count",
        "is_for_all",
        "decided_by",
        "decided_at",
        "done_at",
        "reason",
    ]
    search_fields = ["conference_id__exact"]
    ordering = ["-decided_at"]
    exclude = ["keys"]
    paginator = BoundedPaginator
    show_full_result_count = False
