"""The page of an unsubscribe link. It is public: its address is signed and allows nothing else."""

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conferences.models import Conference
from notifications import unsubscribe_links
from notifications.models import Suppression
from notifications.rendering import pick_language
from notifications.services.suppressing import suppress, unsuppress

_TEMPLATE = "notifications/unsubscribe.html"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, act on POST: mail scanners open every link in a mail and must not unsubscribe anybody.

    A mail program's own button POSTs `List-Unsubscribe=One-Click` (RFC 8058) from the provider's servers
    without a cookie. So there is no CSRF token to check; the signature in the address replaces it.
    """
    try:
        subscription = unsubscribe_links.read_token(token)
    except (BadSignature, TypeError):
        return render(request, _TEMPLATE, {"invalid": True}, status=404)
    done = again = False
    if request.method == "POST":
        again = "resubscribe" in request.POST
        done = not again
        change = {
            "channel": subscription.channel,
            "address": subscription.address,
            "conference_id": subscription.conference_id,
            "scope": Suppression.Scope.REMINDERS,
        }
        if again:
            unsuppress(**change)
        else:
            suppress(**change, reason=Suppression.Reason.UNSUBSCRIBED)
    conference = Conference.objects.filter(pk=subscription.conference_id).first()
    context = {
        "address": subscription.address,
        "conference": conference.name if conference else subscription.conference_id,
        "done": done,
        "again": again,
    }
    # The page uses the message's language, not the browser's.
    language = pick_language(subscription.language)
    with translation.override(language):
        response = render(request, _TEMPLATE, context)
    response.headers["Content-Language"] = language
    return response
