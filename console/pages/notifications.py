"""The outbox of a conference: what was sent to whom, what became of it, and why something was not sent."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member
from conferences.selectors.registrations import find_registrations
from console.access import conference_page
from console.selectors.notification_rows import label_channel, list_types, make_rows
from console.shell import render_page
from meeteasy.core.paging import BadCursorError, read_page
from notifications.channels import CHANNELS
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification
from notifications.previews import answer_framed, preview_row
from notifications.selectors.notifications import get_notification, list_notifications
from notifications.selectors.outages import list_outages
from notifications.services import outbox

_A_PAGE = 50
_PEOPLE_FOUND = 200
Status = Notification.Status


@conference_page(Role.HELPER)
@require_safe
def notifications(request: HttpRequest, member: Member) -> HttpResponse:
    """The messages, newest first, by status, kind, channel and person."""
    conference = member.conference
    given = {name: request.GET.get(name, "") for name in ("status", "type", "channel", "q", "message")}
    wanted = _read_filters(conference, given)
    try:
        page, following = read_page(
            list_notifications(conference, **wanted), ("-id",), limit=_A_PAGE,
            cursor=request.GET.get("cursor", "")[:400],
        )  # fmt: skip
    except BadCursorError:
        raise Http404("There is no such page.") from None
    query = urlencode({name: value for name, value in given.items() if value})
    context: dict[str, Any] = {
        "rows": make_rows(conference, page, now=timezone.now()), "next": following, "query": query,
        "cursor": request.GET.get("cursor", ""), "given": given, "statuses": Status.choices,
        "types": list_types(),
        "channels": [(name, channel.label) for name, channel in CHANNELS.items()],
        "outages": [
            {"channel": label_channel(outage.channel), "needs_attention": outage.needs_attention}
            for outage in list_outages() if outage.failures
        ],
    }  # fmt: skip
    return render_page(request, "console/notifications.html", context, member=member, place="notifications")


@conference_page(Role.HELPER)
@require_safe
def notification(request: HttpRequest, member: Member, notification_id: Any) -> HttpResponse:
    """One message: what is known of it, and how it would look if it were sent now."""
    found = _find(request, member, notification_id)
    (row,) = make_rows(member.conference, [found], now=timezone.now())
    return render_page(
        request, "console/notification.html", {"row": row, "item": found}, member=member,
        place="notifications",
    )  # fmt: skip


@conference_page(Role.HELPER)
@require_safe
def frame(request: HttpRequest, member: Member, notification_id: Any) -> HttpResponse:
    """The message itself, for the sandboxed frame of its page."""
    return answer_framed(preview_row(_find(request, member, notification_id)))


@conference_page(Role.HELPER)
@require_POST
def resend(request: HttpRequest, member: Member, notification_id: Any) -> HttpResponse:
    done = _("The message goes out again.")
    return _act(request, member, notification_id, outbox.resend, done=done)


@conference_page(Role.HELPER)
@require_POST
def abort(request: HttpRequest, member: Member, notification_id: Any) -> HttpResponse:
    done = _("The message was aborted.")
    return _act(request, member, notification_id, outbox.abort, done=done)


def _act(
    request: HttpRequest, member: Member, notification_id: Any, action: Any, *, done: str
) -> HttpResponse:
    found = _find(request, member, notification_id)
    try:
        with transaction.atomic():
            action(found.pk, by=signed_in(request.user))
    except outbox.WrongStatusError:
        messages.error(request, _("It is being sent just now, or that is over. Nothing was changed."))
    else:
        messages.success(request, done)
    if request.POST.get("back") == "person" and found.registration_id:
        return redirect("console-person", member.conference_id, found.registration_id)
    return redirect("console-notification", member.conference_id, found.pk)


def _find(request: HttpRequest, member: Member, notification_id: Any) -> Notification:
    found = get_notification(request.user, notification_id)
    if found.conference_id != member.conference_id:
        raise Http404("There is no such message in this conference.")
    return found


def _read_filters(conference: Conference, given: dict[str, str]) -> dict[str, Any]:
    """Return the filters by field. What is none of the choices is no filter."""
    wanted: dict[str, Any] = {}
    if given["status"] in Status.values:
        wanted["status"] = given["status"]
    if given["type"] in MESSAGE_TYPES:
        wanted["message_type"] = given["type"]
    if given["channel"] in CHANNELS:
        wanted["channel"] = given["channel"]
    if given["message"]:
        with suppress(ValueError):
            wanted["mailing_id"] = UUID(given["message"])
    if text := given["q"].strip()[:254]:
        people = find_registrations(conference, text=text).prefetch_related(None).order_by("id")
        wanted["registration_id__in"] = list(people.values_list("id", flat=True)[:_PEOPLE_FOUND])
    return wanted
