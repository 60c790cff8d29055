"""The page behind "unsubscribe": public, as its address is signed and can do nothing else."""

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conferences.models import Conference
from notifications import unsubscribe
from notifications.models import Suppression

_SCOPE = Suppression.Scope.REMINDERS


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST does: mail scanners open every link of a mail, and must not unsubscribe anybody.

    A mail program's own button POSTs `List-Unsubscribe=One-Click` (RFC 8058) from its own servers, without
    a cookie, so there is no CSRF token to ask for; the signature in the address stands in for it.
    """
    try:
        channel, address, conference_id = unsubscribe.read_token(token)
    except (BadSignature, ValueError):
        return render(request, "notifications/unsubscribe.html", {"invalid": True}, status=404)
    done = again = False
    if request.method == "POST":
        again = "resubscribe" in request.POST
        change = {"channel": channel, "address": address, "scope": _SCOPE, "conference_id": conference_id}
        if again:
            unsubscribe.unsuppress(**change)
        else:
            unsubscribe.suppress(**change, reason=Suppression.Reason.UNSUBSCRIBED)
            done = True
    conference = Conference.objects.filter(pk=conference_id).first()
    return render(
        request,
        "notifications/unsubscribe.html",
        {
            "address": address,
            "conference": conference.name if conference else conference_id,
            "done": done,
            "again": again,
        },
    )
