"""Mail, through whatever Django mail backend the settings name: SMTP, or a provider of django-anymail."""

import smtplib
from contextlib import suppress
from email.mime.image import MIMEImage
from email.utils import parseaddr
from typing import Any, ClassVar

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.translation import gettext_lazy as _

from meeteasy.core.queues import Queue
from notifications import unsubscribe_links
from notifications.channels._base import Accepted, Channel, Failure, OnCall, register
from notifications.message_types import get_message_type
from notifications.models import Notification
from notifications.rendering import Mail, render_mail


@register
class EmailChannel(Channel):
    name: ClassVar[str] = "email"
    label = _("email")
    queue: ClassVar[Queue] = Queue.NOTIFICATIONS_EMAIL
    task_name: ClassVar[str] = "notifications.send_email"
    # The second copy carries the same Message-ID, by which mailboxes recognise it.
    resends_unknown: ClassVar[bool] = True

    def provider_name(self) -> str:
        return settings.EMAIL_BACKEND.removesuffix(".EmailBackend").rpartition(".")[2]

    def rate_per_second(self) -> float:
        return settings.EMAIL_RATE_PER_SECOND

    def render(self, notification: Notification) -> Mail:
        return render_mail(notification)

    def send(self, notification: Notification, message: Mail, *, on_call: OnCall) -> Accepted:
        mail = make_message(notification, message)
        connection = get_connection(fail_silently=False)
        try:
            # Connected before `on_call`: a server that is down, or refuses our password, got nothing.
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise Failure(f"no connection: {error}", kind=Failure.TEMPORARY) from error
        on_call()
        try:
            connection.send_messages([mail])
        except (smtplib.SMTPException, OSError, AnymailError, ValueError, UnicodeError) as error:
            raise _failure(error) from error
        finally:
            # What fails now, fails after the server's answer.
            with suppress(Exception):
                connection.close()
        return Accepted(provider_id=_provider_id(mail))


def make_message(notification: Notification, message: Mail) -> EmailMultiAlternatives:
    """The mail with its headers: a Message-ID that stays the same however often it is sent."""
    headers = {"Message-ID": message_id(notification), "Auto-Submitted": "auto-generated"}
    if not get_message_type(notification).transactional:
        # RFC 8058: mail programs show a button that POSTs to this address, without a person's session.
        headers["List-Unsubscribe"] = f"<{unsubscribe_links.make_url(notification)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail = EmailMultiAlternatives(
        subject=message.subject, body=message.text, to=[notification.recipient], headers=headers
    )
    mail.attach_alternative(message.html, "text/html")
    for content_id, png in message.images.items():
        image = MIMEImage(png, "png")
        image.add_header("Content-ID", f"<{content_id}>")
        image.add_header("Content-Disposition", "inline", filename=f"{content_id.partition('@')[0]}.png")
        mail.attach(image)
    for filename, content, media_type in message.attachments:
        mail.attach(filename, content, media_type)
    # For anymail, whose webhooks hand it back; other backends ignore it.
    mail.metadata = {"notification_id": str(notification.id)}  # type: ignore[attr-defined]
    # For the development mailbox.
    mail.conference_id = notification.conference_id  # type: ignore[attr-defined]
    return mail


def message_id(notification: Notification) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{notification.id.hex}.{notification.resends}@{domain}>"


def _provider_id(mail: Any) -> str:
    status = getattr(mail, "anymail_status", None)
    found = getattr(status, "message_id", None)
    return found[:200] if isinstance(found, str) else ""


def _failure(error: Exception) -> Failure:
    """Replies say what happened (RFC 5321 §4.2.1: 4yz try again, 5yz do not). No reply, after the
    connection stood, leaves open whether the server has the mail."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _by_code(code, text)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Failure(str(error), kind=Failure.PERMANENT)
    if isinstance(error, smtplib.SMTPException | OSError) and not isinstance(error, AnymailError):
        return Failure(f"no answer: {error or type(error).__name__}", kind=Failure.UNKNOWN)
    if isinstance(error, AnymailRecipientsRefused):
        return Failure(str(error), kind=Failure.PERMANENT)
    if isinstance(error, AnymailAPIError):
        status = error.status_code
        if status is None or status >= 500:
            return Failure(str(error), kind=Failure.UNKNOWN)
        temporary = status in (401, 403, 408, 429)  # what a person mends, and what passes by itself
        return Failure(str(error), kind=Failure.TEMPORARY if temporary else Failure.PERMANENT)
    return Failure(f"{type(error).__name__}: {error}", kind=Failure.PERMANENT)  # the mail itself is bad


def _by_code(code: int, text: bytes | str) -> Failure:
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    kind = Failure.PERMANENT if 500 <= code < 600 else Failure.TEMPORARY
    return Failure(f"{code} {text}", kind=kind)
