"""Mail through the Django mail backend in the settings: SMTP, or a provider of django-anymail."""

import smtplib
from contextlib import suppress
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.translation import gettext_lazy as _

from conferences.models import Registration
from meeteasy.core.addresses import to_wire
from meeteasy.core.queues import Queue
from notifications import unsubscribe_links
from notifications.channels import _smtp
from notifications.channels._base import Accepted, Call, Channel, Failure, register
from notifications.message_types import get_message_type
from notifications.models import Notification
from notifications.rendering import Mail, render_mail

if TYPE_CHECKING:
    from anymail.exceptions import AnymailAPIError


@register
class EmailChannel(Channel):
    name: ClassVar[str] = "email"
    label = _("email")
    queue: ClassVar[Queue] = Queue.NOTIFICATIONS_EMAIL
    task_name: ClassVar[str] = "notifications.send_email"
    drain_task_name: ClassVar[str] = "notifications.send_due_email"
    # The second copy has the same Message-ID, so mailboxes recognise it.
    resends_unknown: ClassVar[bool] = True

    def provider_name(self) -> str:
        return settings.EMAIL_BACKEND.removesuffix(".EmailBackend").rpartition(".")[2].lstrip("_")

    def rate_per_second(self) -> float:
        return settings.EMAIL_RATE_PER_SECOND

    def render(self, notification: Notification, registration: Registration, *, sequence: int) -> Mail:
        return render_mail(notification, registration, sequence=sequence)

    def send(self, notification: Notification, message: Mail, *, call: Call) -> Accepted:
        from anymail.exceptions import AnymailError  # with all of requests, which most processes never need

        try:
            mail = make_message(notification, message)
        except (ValueError, UnicodeError) as error:
            raise Failure(f"the mail cannot be built: {error}", kind=Failure.PERMANENT) from error
        connection = get_connection(fail_silently=False)
        try:
            # A server that is down or refuses our password gets nothing.
            connection.open()
        except smtplib.SMTPResponseException as error:
            raise Failure(
                f"no connection: {error}", kind=Failure.OUTAGE, needs_attention=error.smtp_code >= 500
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Failure(f"no connection: {error}", kind=Failure.OUTAGE) from error
        try:
            if isinstance(connection, _smtp.EmailBackend):
                connection.transmit(mail, notification.recipient, call=call)
            else:
                call.begin()
                connection.send_messages([mail])
        except (smtplib.SMTPException, OSError, AnymailError, ValueError, UnicodeError) as error:
            raise _failure(error) from error
        finally:
            # The server has answered, so a later error changes nothing.
            with suppress(Exception):
                connection.close()
        return Accepted(provider_id=_provider_id(mail))


class _MailWithPictures(EmailMultiAlternatives):
    """A mail that puts inline pictures into a multipart/related with the HTML that shows them (RFC 2387)."""

    def message(self, *args: Any, **kwargs: Any) -> Any:
        mixed: Any = super().message(*args, **kwargs)
        parts = mixed.get_payload()
        pictures = [part for part in parts if part.get_content_disposition() == "inline"]
        if not pictures:
            return mixed
        mixed.set_payload([part for part in parts if part not in pictures])
        alternatives = mixed.get_payload()[0]
        html = alternatives.get_payload()[-1]
        related = MIMEMultipart("related", type="text/html")
        for part in (html, *pictures):
            del part["MIME-Version"]
            related.attach(part)
        del related["MIME-Version"]
        alternatives.get_payload()[-1] = related
        return mixed


def make_message(notification: Notification, message: Mail) -> EmailMultiAlternatives:
    """Return the mail with its headers. Its Message-ID stays the same however often it is sent.

    Raises ValueError for an impossible address.
    """
    headers = {"Message-ID": message_id(notification), "Auto-Submitted": "auto-generated"}
    if not get_message_type(notification).transactional:
        # RFC 8058: mail programs show a button that POSTs to this address, without a person's session.
        headers["List-Unsubscribe"] = f"<{unsubscribe_links.make_url(notification)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    mail = _MailWithPictures(
        subject=message.subject,
        body=message.text,
        from_email=formataddr((name, to_wire(sender))),
        to=[to_wire(notification.recipient)],
        headers=headers,
    )
    mail.attach_alternative(message.html, "text/html")
    for content_id, png in message.images.items():
        image = MIMEImage(png, "png")
        image.add_header("Content-ID", f"<{content_id}>")
        image.add_header("Content-Disposition", "inline", filename=f"{content_id.partition('@')[0]}.png")
        mail.attach(image)
    if message.invitation is not None:
        mail.attach(_make_invitation_part(message.invitation.content, message.invitation.method))
    # Anymail's webhooks return it; other backends ignore it.
    mail.metadata = {"notification_id": str(notification.id)}  # type: ignore[attr-defined]
    # The development mailbox shows these and filters by them.
    mail.conference_id = notification.conference_id  # type: ignore[attr-defined]
    mail.recipient = notification.recipient  # type: ignore[attr-defined]
    return mail


def _make_invitation_part(content: bytes, method: str) -> MIMEBase:
    """Make the calendar part. Its media type's `method` equals that of the calendar (RFC 6047 §2.4)."""
    part = MIMEText(content.decode(), "calendar", "utf-8")
    part.set_param("method", method)
    part.add_header("Content-Disposition", "attachment", filename="invitation.ics")
    return part


def message_id(notification: Notification) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{notification.id.hex}.{notification.resends}@{domain}>"


def _provider_id(mail: Any) -> str:
    status = getattr(mail, "anymail_status", None)
    found = getattr(status, "message_id", None)
    return found[:200] if isinstance(found, str) else ""


def _failure(error: Exception) -> Failure:
    """Return the failure that an error of another backend means.

    If the connection was open and no answer came, the provider may or may not have the mail.
    """
    from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused

    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _smtp.judge_reply(code, text)
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Failure(str(error), kind=Failure.OUTAGE, needs_attention=error.smtp_code >= 500)
    if isinstance(error, smtplib.SMTPResponseException):
        return _smtp.judge_reply(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Failure(str(error), kind=Failure.PERMANENT)
    if isinstance(error, smtplib.SMTPException | OSError) and not isinstance(error, AnymailError):
        return Failure(f"no answer: {error or type(error).__name__}", kind=Failure.UNKNOWN)
    if isinstance(error, AnymailRecipientsRefused):
        return Failure(str(error), kind=Failure.PERMANENT)
    if isinstance(error, AnymailAPIError):
        return _judge_api_error(error)
    return Failure(f"{type(error).__name__}: {error}", kind=Failure.PERMANENT)  # the mail itself is bad


def _judge_api_error(error: "AnymailAPIError") -> Failure:
    status, answer = error.status_code, getattr(error.response, "text", "").lower()
    if status is None or status >= 500:
        return Failure(str(error), kind=Failure.UNKNOWN)
    if status == 408:
        return Failure(str(error), kind=Failure.TEMPORARY)
    if status == 429:
        return Failure(str(error), kind=Failure.OUTAGE)
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()
    # Bad credentials, payment due, or a sender that the provider does not let us use.
    if status in (401, 402, 403) or sender in answer or "sender" in answer:
        return Failure(str(error), kind=Failure.OUTAGE, needs_attention=True)
    return Failure(str(error), kind=Failure.PERMANENT)
