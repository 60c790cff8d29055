"""From an outbox row to the message as its recipient will see it: language, zone, templates, attachments."""

import unicodedata
import zoneinfo
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime

from conferences import badges
from conferences.models import Registration
from notifications import unsubscribe_links
from notifications.invitations import make_invitation
from notifications.message_types import MessageType, get_message_type
from notifications.models import Notification
from notifications.segments import Segments, count_segments

# A line of a header may have 998 bytes (RFC 5322 §2.1.1); mail programs show some 70 characters.
_SUBJECT_CHARACTERS = 150
# Where names stand in running text; the longest that the database takes would bury the message.
_NAME_CHARACTERS = 100


@dataclass(frozen=True)
class Mail:
    """images: PNGs by Content-ID. attachments: (file name, content, media type)."""

    language: str
    subject: str
    text: str
    html: str
    images: dict[str, bytes] = field(default_factory=dict)
    attachments: list[tuple[str, bytes, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Sms:
    """parameters: for providers that fill in a template of their own."""

    language: str
    text: str
    segments: Segments
    parameters: dict[str, str]


def render_mail(notification: Notification) -> Mail:
    """Raises UnknownMessageTypeError, or whatever is wrong with a template."""
    message_type = get_message_type(notification)
    language = pick_language(notification.language)
    context = _prepare(notification, message_type, language)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    images = {}
    if message_type.has_badge:
        content_id = f"badge.{notification.id.hex}@{domain}"
        context["badge_cid"] = content_id
        code = badges.make_code(Registration(id=notification.registration_id))
        images[content_id] = badges.draw_qr(code, kind="png")
    attachments = []
    if message_type.has_calendar:
        invitation = make_invitation(context, uid=f"{notification.registration_id}@{domain}")
        if invitation is not None:
            attachments.append(("invitation.ics", invitation, "text/calendar"))
    folder = f"notifications/{message_type.key}/{language}"
    with translation.override(language), timezone.override(context["zone"]):
        return Mail(
            language=language,
            subject=one_line(_render_text(f"{folder}/subject.txt", context))[:_SUBJECT_CHARACTERS],
            text=_render_text(f"{folder}/body.txt", context).strip() + "\n",
            html=render_to_string(f"{folder}/body.html", context),
            images=images,
            attachments=attachments,
        )


def render_sms(notification: Notification) -> Sms:
    """Raises UnknownMessageTypeError, or whatever is wrong with a template."""
    message_type = get_message_type(notification)
    language = pick_language(notification.language)
    context = _prepare(notification, message_type, language)
    with translation.override(language), timezone.override(context["zone"]):
        text = one_line(_render_text(f"notifications/{message_type.key}/{language}/sms.txt", context))
        parameters = {name: one_line(value) for name, value in message_type.sms_parameters(context).items()}
    return Sms(language=language, text=text, segments=count_segments(text), parameters=parameters)


def pick_language(wanted: str) -> str:
    """The language of settings.LANGUAGES nearest to `wanted`: itself, any Chinese for Chinese, or English."""
    known = [code for code, _ in settings.LANGUAGES]
    wanted = wanted.lower().replace("_", "-")
    if wanted in known:
        return wanted
    primary = wanted.partition("-")[0]
    return next((code for code in known if code.partition("-")[0] == primary), known[0])


def one_line(text: str) -> str:
    """Without line breaks and control characters, and with single blanks: nothing in it can begin another
    header, and no-break spaces do not turn an SMS into UCS-2."""
    spaced = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Zs") else character
        for character in text
        if unicodedata.category(character) != "Cs"
    )
    return " ".join(spaced.split())


def _prepare(notification: Notification, message_type: MessageType, language: str) -> dict[str, Any]:
    context: dict[str, Any] = _parse_times(notification.context)
    conference = context["conference"]
    context["name"] = _shorten(context["name"])
    conference["name"] = _shorten(conference["name"])
    zone = zoneinfo.ZoneInfo(conference["time_zone"])
    context.update(language=language, zone=zone)
    if not message_type.transactional:
        context["unsubscribe_url"] = unsubscribe_links.make_url(notification)
    return context


def _parse_times(value: Any, key: str = "") -> Any:
    """A copy in which texts under names that end in `_at` are datetimes again."""
    if isinstance(value, dict):
        return {name: _parse_times(inner, name) for name, inner in value.items()}
    if key.endswith("_at") and isinstance(value, str):
        return parse_datetime(value)
    return value


def _shorten(name: str) -> str:
    name = one_line(name)
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"


@lru_cache(maxsize=1)
def _text_engine() -> Engine:
    """Templates of plain text: nothing is to be escaped for HTML there."""
    return Engine(dirs=[str(settings.BASE_DIR / "templates")], autoescape=False)


def _render_text(template: str, context: dict[str, Any]) -> str:
    return _text_engine().get_template(template).render(Context(context, autoescape=False))
