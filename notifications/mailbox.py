"""The development mailbox keeps mails and SMS for a page instead of sending them (DEVELOPMENT_MAILBOX)."""

from base64 import b64encode
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from notifications.models import MailboxMessage

KEPT = 500


class EmailBackend(BaseEmailBackend):
    """Django mail backend for settings.EMAIL_BACKEND."""

    def send_messages(self, email_messages: Any) -> int:
        for message in email_messages:
            keep_mail(message)
        return len(email_messages)


def keep_mail(message: EmailMessage) -> None:
    _keep(
        channel="email",
        recipient=getattr(message, "recipient", ", ".join(message.recipients())),
        conference_id=getattr(message, "conference_id", ""),
        subject=str(message.subject),
        raw=message.message().as_bytes(),
    )


def keep_sms(*, recipient: str, text: str, conference_id: str) -> None:
    _keep(channel="sms", recipient=recipient, conference_id=conference_id, subject="", raw=text.encode())


def _keep(*, recipient: str, **fields: Any) -> None:
    """Store a message and drop the oldest: the mailbox is not an archive."""
    kept = MailboxMessage.objects.create(recipient=recipient[:320], **fields)
    MailboxMessage.objects.filter(pk__lte=kept.pk - KEPT).delete()


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes

    @property
    def extension(self) -> str:
        """Extension of the download's name, such as `.ics`; "" if it is unusual."""
        extension = Path(self.name).suffix
        return extension if extension[1:].isalnum() and extension.isascii() else ""


@dataclass(frozen=True)
class ReadMail:
    """A parsed mail. html: its inline pictures are data: URLs."""

    headers: list[tuple[str, str]]
    text: str
    html: str
    attachments: list[Attachment]


_SHOWN_HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"]


def read_mail(raw: bytes) -> ReadMail:
    """Parse the bytes that went over the wire, so that the page shows what was really sent."""
    parsed = message_from_bytes(raw, policy=policy.default)
    html_part, text_part = parsed.get_body(("html",)), parsed.get_body(("plain",))
    html = html_part.get_content() if html_part is not None else ""
    attachments = []
    for part in parsed.walk():
        if part.is_multipart() or part in (html_part, text_part):
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        content_id = str(part.get("Content-ID", "")).strip("<>")
        if content_id:
            data = b64encode(content).decode()
            html = html.replace(f"cid:{content_id}", f"data:{part.get_content_type()};base64,{data}")
        else:
            attachments.append(Attachment(part.get_filename() or "", content))
    return ReadMail(
        headers=[(name, str(parsed[name])) for name in _SHOWN_HEADERS if parsed[name] is not None],
        text=text_part.get_content() if text_part is not None else "",
        html=html,
        attachments=attachments,
    )
