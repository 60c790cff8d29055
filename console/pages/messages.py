"""Messages to registrants: writing one to a selection, a test to oneself, sending, progress, stopping."""

import zoneinfo
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member, Registration
from console.access import conference_page
from console.forms.messages import MessageForm, SendForm, initial_of
from console.selections import describe_selection
from console.selectors.notification_rows import subject_of
from console.shell import render_page
from meeteasy.core.errors import RefusedError
from meeteasy.core.times import localize
from notifications.models import Mailing
from notifications.previews import answer_framed, count_parts, make_sample, preview_mailing
from notifications.selections import MAX_IDS, select
from notifications.selectors.mailings import count_copies, get_mailing, list_mailings
from notifications.services import mailings

_A_PAGE = 50
_SILENT_SHOWN = 20
Status = Mailing.Status


@conference_page(Role.VIEWER)
@require_safe
def message_list(request: HttpRequest, member: Member) -> HttpResponse:
    """The messages, newest first, with what became of their copies."""
    page = Paginator(list_mailings(member.conference), _A_PAGE).get_page(request.GET.get("page"))
    counts = count_copies(page.object_list)
    rows = [
        {"mailing": mailing, "subject": subject_of(mailing), "copies": counts[mailing.pk]} for mailing in page
    ]
    context = {"rows": rows, "page": page}
    return render_page(request, "console/messages.html", context, member=member, place="messages")


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def new_message(request: HttpRequest, member: Member) -> HttpResponse:
    """Write a message. The address can say to whom (`_read_address`)."""
    initial = _read_address(request)
    form = MessageForm(member.conference, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = mailings.draft_mailing(
            member.conference, texts=form.texts(), selection=form.selection(),
            channel=form.cleaned_data["channel"], by=signed_in(request.user),
        )  # fmt: skip
        return redirect("console-message", member.conference_id, made.pk)
    return render_page(request, "console/write_message.html", {"form": form}, member=member, place="messages")


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_message(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    """Change a draft."""
    found = get_mailing(member.conference, message_id)
    if found.status != Status.DRAFT:
        messages.error(request, _("Only drafts can be changed."))
        return redirect("console-message", member.conference_id, found.pk)
    form = MessageForm(member.conference, request.POST or None, initial=initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            mailings.change_draft(
                found, texts=form.texts(), selection=form.selection(), channel=form.cleaned_data["channel"]
            )
        except RefusedError as error:
            messages.error(request, error.message)
        return redirect("console-message", member.conference_id, found.pk)
    context = {"form": form, "mailing": found}
    return render_page(request, "console/write_message.html", context, member=member, place="messages")


@conference_page(Role.VIEWER)
@require_safe
def message(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    """A message: its texts as they arrive, to how many, and its progress."""
    return _show(request, member, get_mailing(member.conference, message_id), SendForm())


@conference_page(Role.VIEWER)
@require_safe
def frame(request: HttpRequest, member: Member, message_id: Any, language: str) -> HttpResponse:
    """The message in a language, as the first of the selection gets it, for the sandboxed frame."""
    found = get_mailing(member.conference, message_id)
    if language not in found.texts:
        raise Http404("The message has no text in this language.")
    registration = _find_sample(member.conference, found, language)
    return answer_framed(preview_mailing(found, registration, language=language))


@conference_page(Role.HELPER)
@require_POST
def send_test(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    """Send a copy in each language to whoever asks."""
    found = get_mailing(member.conference, message_id)
    to = signed_in(request.user).email
    first = select(member.conference, found.selection).order_by("id").first()
    if found.channel != "email":
        messages.error(request, _("An SMS is tested by its preview: your account has no phone number."))
    elif not to:
        messages.error(request, _("Your account has no mail address."))
    elif first is None:
        messages.error(request, _("The selection is empty, so there is nobody whose copy could be shown."))
    else:
        first.conference = member.conference
        for language in found.texts:
            mailings.send_test(found, first, to=to, language=language)
        messages.success(request, _("A test goes to %(email)s.") % {"email": to})
    return redirect("console-message", member.conference_id, found.pk)


@conference_page(Role.HELPER)
@require_POST
def send(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    """Send a draft, now or at a time."""
    found = get_mailing(member.conference, message_id)
    form = SendForm(request.POST)
    if not form.is_valid():
        return _show(request, member, found, form, status=400)
    moment = form.cleaned_data["scheduled_for"]
    try:
        if moment is not None:
            moment = localize(moment, zoneinfo.ZoneInfo(member.conference.time_zone))
        mailings.plan_mailing(found, scheduled_for=moment, by=signed_in(request.user))
    except (ValidationError, RefusedError) as error:
        text = error.message if isinstance(error, RefusedError) else " ".join(error.messages)
        form.add_error("scheduled_for", text)
        return _show(request, member, get_mailing(member.conference, found.pk), form, status=400)
    if moment is None:
        messages.success(request, _("It goes out now. This page shows how far it is."))
    else:
        messages.success(request, _("It is planned. Until then it can be stopped."))
    return redirect("console-message", member.conference_id, found.pk)


@conference_page(Role.HELPER)
@require_POST
def stop(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    """Stop a message. Copies that went out cannot be taken back."""
    found = get_mailing(member.conference, message_id)
    count = mailings.stop_mailing(found, by=signed_in(request.user))
    text = ngettext("Stopped. %d copy was not sent.", "Stopped. %d copies were not sent.", count)
    messages.success(request, text % count)
    return redirect("console-message", member.conference_id, found.pk)


@conference_page(Role.HELPER)
@require_POST
def delete(request: HttpRequest, member: Member, message_id: Any) -> HttpResponse:
    found = get_mailing(member.conference, message_id)
    try:
        mailings.delete_draft(found)
    except RefusedError as error:
        messages.error(request, error.message)
        return redirect("console-message", member.conference_id, found.pk)
    messages.success(request, _("The draft was deleted."))
    return redirect("console-messages", member.conference_id)


def _read_address(request: HttpRequest) -> dict[str, Any]:
    """Return whom the address names. person: ids. brought: sharers, to thank them. state, in: as lists do."""
    given = request.GET
    chosen = [key for key in given.getlist("person")[:MAX_IDS] if key.isalnum()]
    brought, state = given.get("brought", ""), given.get("state", "")
    initial: dict[str, Any] = {"ids": ",".join(chosen), "entered": given.get("in", "")}
    if brought.isdecimal() and len(brought) < 7:
        initial["brought"] = int(brought)
    if chosen:
        initial["states"] = Registration.State.values
    elif state in Registration.State.values:
        initial["states"] = [state]
    return initial


def _show(
    request: HttpRequest, member: Member, found: Mailing, form: SendForm, *, status: int = 200
) -> HttpResponse:
    conference = member.conference
    selected = select(conference, found.selection)
    copies = count_copies([found])[found.pk]
    names = dict(MessageForm(conference).languages)
    missing = [name for code, name in names.items() if code not in found.texts]
    waiting = copies["queued"] + copies["sending"]
    context: dict[str, Any] = {
        "mailing": found, "subject": subject_of(found), "form": form, "copies": copies,
        **(_count_recipients(found, selected) if found.status == Status.DRAFT else {}),
        "selection": describe_selection(found.selection),
        "languages": [(code, names.get(code, code)) for code in found.texts], "missing": missing,
        "over": copies["all"] - waiting, "is_over": found.status == Status.STOPPED
        or (found.status == Status.WRITTEN and not waiting),
    }  # fmt: skip
    return render_page(
        request, "console/message.html", context, member=member, place="messages", status=status
    )


def _count_recipients(found: Mailing, selected: QuerySet[Registration]) -> dict[str, Any]:
    """Return the number of addresses; of an SMS also its billed parts, and who has no phone number."""
    if found.channel != "sms":
        return {"count": selected.values("email").distinct().count()}
    silent = selected.filter(phone="").order_by("name", "id")
    reached = _reached_by(found, selected)
    count = reached.values("phone").distinct().count()
    first = reached.select_related("conference").order_by("id").first()
    parts, without = count_parts(found, first) if first else 0, silent.count()
    return {
        "count": count, "parts": parts, "billed": parts * count, "silent": without,
        "silent_people": silent[:_SILENT_SHOWN], "is_silent_cut": without > _SILENT_SHOWN,
    }  # fmt: skip


def _reached_by(found: Mailing, selected: QuerySet[Registration]) -> QuerySet[Registration]:
    """Return those who have an address of the message's channel; everybody has a mail address."""
    return selected.exclude(phone="") if found.channel == "sms" else selected


def _find_sample(conference: Conference, found: Mailing, language: str) -> Registration:
    """Return the first of the selection who gets a copy, or a sample if nobody does."""
    first = _reached_by(found, select(conference, found.selection)).order_by("id").first()
    if first is None:
        _notification, first = make_sample(
            message_type="organizer_message", channel="email", language="en"
        )  # fmt: skip
    first.conference = conference
    return first
