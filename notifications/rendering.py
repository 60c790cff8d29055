"""Rendering an outbox row as its recipient will see it: language, zone, templates, attachments.

A message's data is read when it is sent. So a message about a conference that has moved shows the current
date, even in a copy that somebody requests months later.
"""

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

from conferences import badges, participants
from conferences.models import Conference, Registration
from conferences.services.changing import CHANGEABLE
from meeteasy.core.names import strip_invisible
from notifications import unsubscribe_links
from notifications.invitations import Invitation, make_invitation
from notifications.message_types import MessageType, get_message_type
from notifications.models import Notification
from notifications.segments import Segments, count_segments

# A header line may have 998 bytes (RFC 5322 §2.1.1); mail programs show about 70 characters.
_SUBJECT_CHARACTERS = 150
# Names appear in running text; the longest name in the database would bury the message.
_NAME_CHARACTERS = 100
# Links that are signed for their recipient, and what stands for them where somebody else reads.
_PERSONAL_LINKS = ("own_page_url", "unsubscribe_url")
_NOWHERE = "#"


@dataclass(frozen=True)
class Mail:
    """A rendered mail. images: PNGs by Content-ID."""

    language: str
    subject: str
    text: str
    html: str
    images: dict[str, bytes] = field(default_factory=dict)
    invitation: Invitation | None = None

    @property
    def sent_text(self) -> str:
        return self.subject


@dataclass(frozen=True)
class Sms:
    """A rendered SMS. parameters: for providers with their own templates."""

    language: str
    text: str
    segments: Segments
    parameters: dict[str, str]

    @property
    def sent_text(self) -> str:
        return self.text


def render_mail(
    notification: Notification, registration: Registration, *, sequence: int = 0, is_preview: bool = False
) -> Mail:
    """Render a mail. Raises UnknownMessageTypeError, or the error of a template.

    registration: its conference is loaded. sequence: SEQUENCE of the conference's calendar entry. is_preview:
    links by which the recipient changes something lead nowhere, since somebody else reads it.
    """
    message_type = get_message_type(notification)
    language = pick_language(notification.language)
    context = _make_context(notification, registration, message_type, language)
    _kill_links(context, [*_PERSONAL_LINKS] if is_preview else _find_foreign_links(notification))
    images = {}
    if message_type.has_badge:
        content_id = f"badge.{notification.id.hex}@{_mail_domain()}"
        context["badge_cid"] = content_id
        images[content_id] = badges.draw_qr(badges.make_code(registration), kind="png")
    folder = f"notifications/{message_type.key}/{language}"
    with translation.override(language), timezone.override(context["zone"]):
        return Mail(
            language=language,
            subject=one_line(_render_text(f"{folder}/subject.txt", context))[:_SUBJECT_CHARACTERS],
            text=_render_text(f"{folder}/body.txt", context).strip() + "\n",
            html=render_to_string(f"{folder}/body.html", context),
            images=images,
            invitation=_invite(notification, registration, message_type, context, sequence),
        )


def render_sms(notification: Notification, registration: Registration) -> Sms:
    """Render an SMS. Raises UnknownMessageTypeError, or the error of a template."""
    message_type = get_message_type(notification)
    language = pick_language(notification.language)
    context = _make_context(notification, registration, message_type, language)
    with translation.override(language), timezone.override(context["zone"]):
        text = one_line(_render_text(f"notifications/{message_type.key}/{language}/sms.txt", context))
        parameters = {name: one_line(value) for name, value in message_type.sms_parameters(context).items()}
    return Sms(language=language, text=text, segments=count_segments(text), parameters=parameters)


def pick_language(wanted: str) -> str:
    """Return the supported language nearest to `wanted`: the same, another Chinese, or English."""
    known = [code for code, _ in settings.LANGUAGES]
    wanted = wanted.lower().replace("_", "-")
    if wanted in known:
        return wanted
    primary = wanted.partition("-")[0]
    return next((code for code in known if code.partition("-")[0] == primary), known[0])


def one_line(text: str) -> str:
    """Return text without line breaks and control characters, and with single blanks.

    So it cannot start another header, and no-break spaces do not turn an SMS into UCS-2.
    """
    spaced = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Zs") else character
        for character in text
        if unicodedata.category(character) != "Cs"
    )
    return " ".join(spaced.split())


def _make_context(
    notification: Notification, registration: Registration, message_type: MessageType, language: str
) -> dict[str, Any]:
    """Return the templates' context. Times are aware; templates show them in the conference's zone."""
    conference: Conference = registration.conference
    context: dict[str, Any] = {
        **message_type.read_facts(notification, registration),
        "language": language,
        "zone": zoneinfo.ZoneInfo(conference.time_zone),
        "name": _shorten(registration.name),
        "state": str(registration.state),
        "conference": {
            "id": conference.id,
            "name": _shorten(conference.name),
            "venue": conference.venue,
            "time_zone": conference.time_zone,
            "starts_at": conference.starts_at,
            "ends_at": conference.ends_at,
            "url": f"{settings.PUBLIC_URL}/conf/{conference.id}",
        },
    }
    if registration.state in CHANGEABLE:
        context["own_page_url"] = participants.make_url(registration)
    if not message_type.transactional:
        context["unsubscribe_url"] = unsubscribe_links.make_url(notification)
    return context


def _find_foreign_links(notification: Notification) -> list[str]:
    """A copy that its author tests shows the page of somebody else; its unsubscribing is the author's."""
    return ["own_page_url"] if notification.facts.get("is_test") else []


def _kill_links(context: dict[str, Any], names: list[str]) -> None:
    context |= {name: _NOWHERE for name in names if name in context}


def _invite(
    notification: Notification,
    registration: Registration,
    message_type: MessageType,
    context: dict[str, Any],
    sequence: int,
) -> Invitation | None:
    """Make the .ics file for messages that have one. Their recipients have a place, or had one."""
    method = message_type.calendar_method
    if not method or (method == "REQUEST" and registration.state != Registration.State.APPROVED):
        return None
    return make_invitation(
        context,
        method=method,
        uid=f"{notification.registration_id}@{_mail_domain()}",
        # This entry also changes when its person cancels, and when they come back.
        sequence=sequence + registration.standing_version,
        recipient=notification.recipient,
    )


def _mail_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def _shorten(name: str) -> str:
    name = one_line(strip_invisible(name))
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"


@lru_cache(maxsize=1)
def _text_engine() -> Engine:
    """Return the engine for plain-text templates, which does not escape HTML."""
    return Engine(dirs=[str(settings.BASE_DIR / "templates")], autoescape=False)


def _render_text(template: str, context: dict[str, Any]) -> str:
    return _text_engine().get_template(template).render(Context(context, autoescape=False))
