"""The development mailbox: mails and SMS as their recipients would see them.

The mailbox is open only while DEVELOPMENT_MAILBOX is on, and only to signed-in users. Staff see everything;
others see the messages of conferences in which they are at least helpers. The mails contain check-in codes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from conferences.models import Member
from notifications.mailbox import ReadMail, read_mail
from notifications.models import MailboxMessage, storable
from notifications.segments import count_segments

_View = Callable[..., HttpResponse]
# Stricter than a mail program: no scripts, and nothing from the network but our own pictures.
_MAIL_POLICY = (
    "sandbox allow-popups; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


def _closed_by_default(view: _View) -> _View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEVELOPMENT_MAILBOX:
            raise Http404
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return view(request, *args, **kwargs)

    return guarded


def _visible(request: HttpRequest) -> QuerySet[MailboxMessage]:
    if request.user.is_staff:
        return MailboxMessage.objects.all()
    mine = Member.objects.filter(
        user_id=request.user.pk or 0, role__in=[Member.Role.OWNER, Member.Role.HELPER]
    ).values_list("conference_id", flat=True)
    return MailboxMessage.objects.filter(conference_id__in=list(mine))


def _get(request: HttpRequest, message_id: int) -> MailboxMessage:
    found = _visible(request).filter(pk=message_id).first()
    if found is None:
        raise Http404
    return found


def _get_mail(request: HttpRequest, message_id: int) -> ReadMail:
    found = _get(request, message_id)
    if found.channel != "email":
        raise Http404
    return read_mail(bytes(found.raw))


@require_safe
@_closed_by_default
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the list, newest first. `?q=` searches recipients and subjects."""
    messages = _visible(request)
    query = storable(request.GET.get("q", "").strip(), most=200)
    if query:
        messages = messages.filter(Q(recipient__icontains=query) | Q(subject__icontains=query))
    page = Paginator(messages, 50).get_page(request.GET.get("page"))
    for found in page.object_list:
        if found.channel == "sms":
            found.subject = bytes(found.raw).decode()
    return render(request, "notifications/mailbox/list.html", {"page": page, "query": query})


@require_safe
@_closed_by_default
def message(request: HttpRequest, message_id: int) -> HttpResponse:
    found = _get(request, message_id)
    if found.channel == "sms":
        text = bytes(found.raw).decode()
        context = {"message": found, "text": text, "segments": count_segments(text)}
        return render(request, "notifications/mailbox/sms.html", context)
    context = {"message": found, "mail": read_mail(bytes(found.raw))}
    return render(request, "notifications/mailbox/mail.html", context)


@require_safe
@_closed_by_default
@xframe_options_sameorigin
def html_part(request: HttpRequest, message_id: int) -> HttpResponse:
    """Return the HTML of a mail for a sandboxed frame."""
    response = HttpResponse(_get_mail(request, message_id).html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


@require_safe
@_closed_by_default
def attachment(request: HttpRequest, message_id: int, index: int) -> HttpResponse:
    attachments = _get_mail(request, message_id).attachments
    if index >= len(attachments):
        raise Http404
    chosen = attachments[index]
    response = HttpResponse(chosen.content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="attachment-{index}{chosen.extension}"'
    return response
