"""What the event door refuses: other origins, ranges of addresses, pages."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from analytics.ingest import refusals
from analytics.ingest.rules import check_rules
from analytics.models import DoorRules
from conferences.access import Role
from conferences.models import Member
from console.access import conference_page
from console.forms.lines import LinesField
from console.shell import render_page

REASONS = {
    "origin_not_allowed": gettext_lazy("page of another origin"),
    "blocked_address": gettext_lazy("blocked address"),
    "blocked_page": gettext_lazy("blocked page"),
}


class DoorForm(forms.Form):
    allowed_origins = LinesField(
        label=gettext_lazy("Allowed origins"),
        help_text=gettext_lazy(
            "Pages that may send events, one a line, like https://example.org. Empty: all."
        ),
    )  # fmt: skip
    blocked_networks = LinesField(
        label=gettext_lazy("Blocked address ranges"),
        help_text=gettext_lazy("One a line, like 192.0.2.0/24 or 2001:db8::/32."),
    )  # fmt: skip
    blocked_pages = LinesField(
        label=gettext_lazy("Blocked pages"), help_text=gettext_lazy("Patterns, one a line, like /preview/*.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            check_rules(**cleaned)
        return cleaned


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest, member: Member) -> HttpResponse:
    """The rules, and what they refused in the last seven days."""
    conference_id = member.conference_id
    rules = DoorRules.objects.filter(conference_id=conference_id).first() or DoorRules()
    initial = {name: "\n".join(getattr(rules, name)) for name in DoorForm.base_fields}
    form = DoorForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        DoorRules.objects.update_or_create(conference_id=conference_id, defaults=form.cleaned_data)
        messages.success(request, _("Saved. It takes effect within seconds."))
        return redirect("console-door", conference_id)
    context = {"form": form, "refused": _read_refused(conference_id)}
    return render_page(request, "console/door.html", context, member=member, place="settings")


def _read_refused(conference_id: str) -> list[tuple[Any, int]] | None:
    """Return how many events each rule refused; None while Redis cannot be reached."""
    try:
        days = refusals.read_days(conference_id, today=timezone.now().date())
    except RedisError:
        return None
    return [(label, sum(day.get(reason, 0) for day in days.values())) for reason, label in REASONS.items()]
