"""HTML previews for admin and console: a row as it would be sent now, every type with sample data."""

import datetime as dt
from base64 import b64encode
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.html import format_html

from conferences.models import Conference, Registration
from notifications.message_types import MESSAGE_TYPES
from notifications.message_types.organizer_message import pick_text
from notifications.models import Mailing, Notification
from notifications.rendering import render_mail, render_sms


@dataclass(frozen=True)
class Preview:
    """A combination that can be previewed."""

    message_type: str
    label: str
    channel: str
    language: str


def list_previews() -> list[Preview]:
    return [
        Preview(key, str(message_type.label), channel, language)
        for key, message_type in MESSAGE_TYPES.items()
        for channel in message_type.channels
        for language, _ in settings.LANGUAGES
    ]


def make_sample(*, message_type: str, channel: str, language: str) -> tuple[Notification, Registration]:
    """Make an unsaved message to a sample attendee. Raises Http404 for an unknown combination."""
    found = MESSAGE_TYPES.get(message_type)
    if found is None or channel not in found.channels or language not in dict(settings.LANGUAGES):
        raise Http404
    conference = Conference(
        id="sample",
        name="Shanghai Summit 2027 上海峰会",
        venue="Expo Center, 1500 Shibo Avenue 世博中心",
        time_zone="Asia/Shanghai",
        starts_at=dt.datetime(2027, 5, 18, 1, tzinfo=dt.UTC),
        ends_at=dt.datetime(2027, 5, 20, 9, 30, tzinfo=dt.UTC),
    )
    state = "approved" if "approved" in found.states else sorted(found.states)[0]
    registration = Registration(id="sample", conference=conference, name="Zhang Wei 张伟", state=state)
    notification = Notification(
        message_type=message_type,
        channel=channel,
        language=language,
        recipient="+8613800138000" if channel == "sms" else "zhang.wei@example.com",
        facts=found.example,
        conference_id=conference.id,
        registration_id=registration.id,
    )
    return notification, registration


def preview_mailing(mailing: Mailing, registration: Registration, *, language: str) -> str:
    """Return the page of an organizers' message, as a registrant would get it in a language."""
    return preview_html(_make_copy(mailing, registration, language=language), registration)


def count_parts(mailing: Mailing, registration: Registration) -> int:
    """Return as how many SMS a copy is billed, in the language in which it is longest."""
    copies = (_make_copy(mailing, registration, language=language) for language in mailing.texts)
    return max(render_sms(copy, registration).segments.count for copy in copies)


def _make_copy(mailing: Mailing, registration: Registration, *, language: str) -> Notification:
    return Notification(
        message_type="organizer_message", channel=mailing.channel, language=language,
        recipient=registration.phone if mailing.channel == "sms" else registration.email,
        facts=pick_text(mailing.texts, language), conference_id=mailing.conference_id,
        registration_id=registration.id,
    )  # fmt: skip


def answer_framed(html: str) -> HttpResponse:
    """Return a preview for a sandboxed frame of our own pages: it runs no script and loads nothing."""
    response = HttpResponse(html)
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    return response


def preview_sample(*, message_type: str, channel: str, language: str) -> str:
    """Return the page of a sample. Raises Http404."""
    return preview_html(*make_sample(message_type=message_type, channel=channel, language=language))


def preview_row(notification: Notification) -> str:
    """Return the page of a message as it would be sent now."""
    registrations = Registration.objects.select_related("conference")
    registration = registrations.filter(pk=notification.registration_id).first()
    if registration is None:
        return format_html("<!DOCTYPE html><pre>{}</pre>", "The registration does not exist any more.")
    return preview_html(notification, registration)


def preview_html(notification: Notification, registration: Registration) -> str:
    """Return a self-contained page with embedded pictures. It shows template errors instead of raising."""
    try:
        if notification.channel == "sms":
            sms = render_sms(notification, registration)
            return format_html(
                '<!DOCTYPE html><meta charset="utf-8"><body style="font:16px/1.5 sans-serif;padding:16px">'
                '<p style="max-width:340px;background:#e9e9eb;border-radius:18px;padding:12px 16px">{}</p>'
                "<p>{} × {} ({})</p>",
                sms.text, sms.segments.count, sms.segments.encoding, sms.segments.units,
            )  # fmt: skip
        mail = render_mail(notification, registration, is_preview=True)
    except Exception as error:
        return format_html("<!DOCTYPE html><pre>{}: {}</pre>", type(error).__name__, error)
    html = mail.html
    for content_id, png in mail.images.items():
        html = html.replace(f"cid:{content_id}", f"data:image/png;base64,{b64encode(png).decode()}")
    subject = format_html(
        '<p style="margin:0;padding:12px 16px;background:#fff;border-bottom:1px solid #ccc;'
        'font:600 16px sans-serif">{}</p>',
        mail.subject,
    )
    head, marker, body = html.partition("<body")
    opening, end, rest = body.partition(">")
    return f"{head}{marker}{opening}{end}{subject}{rest}"
