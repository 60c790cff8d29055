"""The mail digest: choosing it, and the page of the link that ends it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conferences.access import Role
from conferences.models import Member
from console.access import conference_page
from console.models import Digest
from console.services.digest_links import read_stop_token
from console.services.digest_times import next_morning
from console.services.digests import choose_digest, stop_digest
from console.shell import render_page

_NEVER = gettext_lazy("never")


class DigestForm(forms.Form):
    period = forms.ChoiceField(
        label=gettext_lazy("How often"), required=False, widget=forms.RadioSelect,
        choices=[("", _NEVER), *Digest.Period.choices],
    )  # fmt: skip
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)


@conference_page(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def digest(request: HttpRequest, member: Member) -> HttpResponse:
    """One's own digest of this conference."""
    known = Digest.objects.filter(member=member).first()
    language = known.language if known else get_language() or settings.LANGUAGE_CODE
    initial = {"period": known.period if known else "", "language": language}
    form = DigestForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["period"] and not member.user.email:
            form.add_error("period", _("Your account has no mail address."))
        else:
            chosen = choose_digest(member, **form.cleaned_data)
            text = _("The digest comes by mail.") if chosen else _("No digest is sent to you.")
            messages.success(request, text)
            return redirect("console-digest", member.conference_id)
    context: dict[str, Any] = {
        "form": form, "address": member.user.email,
        "next": next_morning(known.period, member.conference, now=timezone.now()) if known else None,
    }  # fmt: skip
    return render_page(request, "console/digest.html", context, member=member, place="settings")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, act on POST: mail scanners open every link in a mail and must not end anything.

    A mail program's own button POSTs from the provider's servers without a cookie (RFC 8058). So there is no
    CSRF token to check; the signature in the address replaces it.
    """
    digest_id = read_stop_token(token)
    if digest_id is None:
        raise Http404("This link was not made here.")
    found = Digest.objects.select_related("member__conference").filter(pk=digest_id).first()
    if request.method == "POST":
        stop_digest(digest_id)
    # In the mail's language, not the browser's.
    language = found.language if found else get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        context = {
            "conference": found.member.conference if found else None,
            "is_over": found is None or request.method == "POST",
        }
        response = render(request, "console/digest_stop.html", context)
    response.headers["Content-Language"] = language
    return response
