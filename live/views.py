"""The live screen: a page that shows the messages of the socket."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conferences.access import get_conference, visible_conferences


@require_safe
@login_required
def conference_list(request: HttpRequest) -> HttpResponse:
    """List the conferences whose live screens the user may open."""
    return render(request, "live/list.html", {"conferences": visible_conferences(request.user)})


@require_safe
@login_required
def screen(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Show the screen, or 404 if the user is not a member of the conference."""
    return render(request, "live/screen.html", {"conference": get_conference(request.user, conference_id)})
