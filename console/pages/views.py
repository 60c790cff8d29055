"""Read-only links: an owner makes and revokes them; whoever has one sees the figures, without an account."""

from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics import viewing
from analytics.ranges.segments import NotReadyError
from analytics.selectors import views as found_views
from conferences.access import Role, signed_in
from conferences.models import Member
from console.access import conference_page
from console.addresses import view_url
from console.asking import read_asked
from console.pages.overview import frame
from console.selectors import overview as selectors
from console.selectors.doors import draw_doors
from console.shell import render_page
from meeteasy.core.errors import RefusedError

_CHOICES = (7, 30, 90, 365)
_NOT_READY = 503
_SHOWN = 100  # the API lists all


class NewViewForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("For whom"), max_length=100,
        help_text=gettext_lazy("E.g. “sponsors”. Only members see it."),
    )  # fmt: skip
    days = forms.TypedChoiceField(
        label=gettext_lazy("Works for"), choices=lambda: [(days, _say_days(days)) for days in _CHOICES],
        coerce=int, initial=viewing.USUAL_DAYS,
    )  # fmt: skip


def _say_days(days: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest, member: Member) -> HttpResponse:
    """The links of a conference. A new one shows its address this once, so the answer is no redirect."""
    form, url = NewViewForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _view, token = viewing.create_view(
                conference=member.conference, by=signed_in(request.user).get_username(), **form.cleaned_data
            )
        except (ValidationError, RefusedError) as error:
            form.add_error("name", getattr(error, "messages", None) or str(error))
        else:
            form, url = NewViewForm(), view_url(token)
    context = {
        "form": form, "new_url": url, "views": found_views.find_views(member.conference)[:_SHOWN],
        "shown_at": timezone.now(),
    }  # fmt: skip
    return render_page(request, "console/views.html", context, member=member, place="settings")


@require_POST
@conference_page(Role.OWNER)
def revoke(request: HttpRequest, member: Member, view_id: str) -> HttpResponse:
    viewing.revoke_view(found_views.get_view(member.conference, view_id))
    messages.success(request, _("The link shows nothing any more."))
    return redirect("console-views", member.conference_id)


def _unlisted(view: Any) -> Any:
    """Keep the address of a page out of search engines, caches, and other sites' logs."""

    @never_cache
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = view(*args, **kwargs)
        answer["Referrer-Policy"] = "no-referrer"
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return guarded


@_unlisted
@require_safe
def public_view(request: HttpRequest, token: str) -> HttpResponse:
    """The figures for whoever has the link: charts and panels, nobody's name, no other conference."""
    view, conference = found_views.open_view(token, now=timezone.now())
    # Without filters: everybody with the link shares the answers that were prepared.
    asked = read_asked(conference, request.GET, may_filter=False)
    context: dict[str, Any] = {**frame(asked), "conference": conference, "view": view, "is_public": True}
    status = 200
    with timezone.override(asked.span.zone):
        try:
            context |= selectors.read_overview(conference, asked, opens=selectors.no_page)
            context["doors"] = draw_doors(conference, None, now=asked.span.now)
        except NotReadyError:
            status = _NOT_READY
        return render(request, "console/public_view.html", context, status=status)
