"""Messages as HTML pages for the admin: of a row as it is, and of every message type with made-up data."""

from base64 import b64encode
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404
from django.utils.html import format_html

from notifications.message_types import MESSAGE_TYPES
from notifications.message_types._base import make_sample_context
from notifications.models import Notification
from notifications.rendering import render_mail, render_sms


@dataclass(frozen=True)
class Preview:
    """One combination that can be shown."""

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


def make_sample(*, message_type: str, channel: str, language: str) -> Notification:
    """An unsaved notification to a made-up recipient. Raises Http404 for what does not exist."""
    found = MESSAGE_TYPES.get(message_type)
    if found is None or channel not in found.channels or language not in dict(settings.LANGUAGES):
        raise Http404
    return Notification(
        message_type=message_type,
        channel=channel,
        language=language,
        recipient="+8613800138000" if channel == "sms" else "zhang.wei@example.com",
        context=make_sample_context(found),
        conference_id="sample",
        registration_id="sample",
    )


def preview_sample(*, message_type: str, channel: str, language: str) -> str:
    return preview_html(make_sample(message_type=message_type, channel=channel, language=language))


def preview_html(notification: Notification) -> str:
    """A page that needs nothing else: pictures are in it. A template's mistake is shown, not raised."""
    try:
        if notification.channel == "sms":
            sms = render_sms(notification)
            return format_html(
                '<!DOCTYPE html><meta charset="utf-8"><body style="font:16px/1.5 sans-serif;padding:16px">'
                '<p style="max-width:340px;background:#e9e9eb;border-radius:18px;padding:12px 16px">{}</p>'
                "<p>{} × {} ({})</p>",
                sms.text, sms.segments.count, sms.segments.encoding, sms.segments.units,
            )  # fmt: skip
        mail = render_mail(notification)
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
