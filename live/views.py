"""The live screen: a page that shows what the socket tells."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conferences.access import get_conference, visible_conferences


@require_safe
@login_required
def conference_list(request: HttpRequest) -> HttpResponse:
    """The conferences whose live screens the user may open."""
    return render(request, "live/list.html", {"conferences": visible_conferences(request.user)})


@require_safe
@login_required
def screen(request: HttpRequest, conference_id: str) -> HttpResponse:
    """404 for a conference that the user is no member of."""
    return render(request, "live/screen.html", {"conference": get_conference(request.user, conference_id)})
