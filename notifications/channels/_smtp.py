"""Mail over SMTP, one message at a time, with the waits and the certainty that the outbox needs.

smtplib's `sendmail` has one time-out for everything, and does not say how far it came. Here each step waits
as long as RFC 5321 §4.5.3.2 asks, so that a slow server does not get the mail twice, and the outbox learns
the moment from which the server may act: the end of the mail's text.
"""

import re
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from meeteasy.core.addresses import to_wire
from notifications.channels._base import Call, Failure

# Seconds, RFC 5321 §4.5.3.2. The last one is the setting EMAIL_ANSWER_TIMEOUT, ten minutes by default.
_MAIL_SECONDS, _RCPT_SECONDS, _DATA_SECONDS, _BLOCK_SECONDS = 300, 300, 120, 180

_ENHANCED_CODE = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# Authentication and encryption that the server wants from us.
_ABOUT_OUR_ACCOUNT = {530, 534, 535, 538}
# RFC 3463: a sender's address that is not valid. RFC 4954: credentials. RFC 7372: SPF, DKIM, reverse DNS.
_ABOUT_OUR_SENDER = re.compile(r"5\.(1\.[78]|7\.(8|9|1[1-4]|2\d))\Z")


class EmailBackend(smtp.EmailBackend):
    """Django's backend, with `transmit` for the outbox. Other mail goes out by `send_messages` as always."""

    def transmit(self, mail: EmailMessage, recipient: str, *, call: Call) -> None:
        """Send one mail over the open connection. Raises Failure.

        recipient: in its own script. A local part outside ASCII needs a server with SMTPUTF8 (RFC 6531).
        """
        sender = to_wire(parseaddr(mail.from_email)[1])
        address = to_wire(recipient)
        raw, options = _serialise(mail, address)
        try:
            self._prepare(sender, address, raw, options, call=call)
            self._wait(_BLOCK_SECONDS)
            call.begin(_BLOCK_SECONDS + settings.EMAIL_ANSWER_TIMEOUT + 60)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise Failure(f"no answer before the mail was sent: {error}", kind=Failure.OUTAGE) from error
        try:
            self.connection.send(_dot_stuff(raw))
            self._wait(settings.EMAIL_ANSWER_TIMEOUT)
            code, text = self.connection.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise Failure(f"no answer: {error or type(error).__name__}", kind=Failure.UNKNOWN) from error
        if code != 250:
            raise judge_reply(code, text, sender=sender)

    def _prepare(self, sender: str, address: str, raw: bytes, options: list[str], *, call: Call) -> None:
        """Everything up to the mail's text. Raises Failure, or what smtplib raises without an answer."""
        connection = self.connection
        call.prepare(_MAIL_SECONDS + 60)
        self._wait(_MAIL_SECONDS)
        connection.ehlo_or_helo_if_needed()
        if "SMTPUTF8" in options and not connection.has_extn("smtputf8"):
            raise Failure(
                "the mail server cannot send to addresses outside ASCII (SMTPUTF8)", kind=Failure.PERMANENT
            )
        if connection.has_extn("size"):
            options = [*options, f"size={len(raw)}"]
        if connection.has_extn("8bitmime"):
            options = [*options, "BODY=8BITMIME"]
        code, text = connection.mail(sender, options)
        if code != 250:
            raise _judge_sender_reply(code, text)
        call.prepare(_RCPT_SECONDS + 60)
        self._wait(_RCPT_SECONDS)
        code, text = connection.rcpt(address)
        if code not in (250, 251):
            raise judge_reply(code, text, sender=sender)
        call.prepare(_DATA_SECONDS + 60)
        self._wait(_DATA_SECONDS)
        code, text = connection.docmd("DATA")
        if code != 354:
            raise judge_reply(code, text, sender=sender)

    def _wait(self, seconds: float) -> None:
        self.connection.sock.settimeout(seconds)


def judge_reply(code: int, text: bytes | str, *, sender: str = "") -> Failure:
    """What a refusal means. RFC 5321 §4.2.1: 4yz try again, 5yz do not; but a server that refuses *us* says
    nothing about this mail. Many servers say that only once they know the recipient; then one mail alone does
    not prove it, since the reply may be that recipient's."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    message = f"{code} {text}"
    if code == 421:
        return Failure(message, kind=Failure.OUTAGE, confirmed=False)
    if code < 500:
        return Failure(message, kind=Failure.TEMPORARY)
    enhanced = _ENHANCED_CODE.search(text)
    if code in _ABOUT_OUR_ACCOUNT:
        return Failure(message, kind=Failure.OUTAGE, needs_attention=True)
    about_us = (
        (enhanced is not None and _ABOUT_OUR_SENDER.match(enhanced[1]) is not None)
        or (bool(sender) and sender.lower() in text.lower())
        or re.search(r"\brelay(ing)?\b|\bsender\b.*\b(rejected|denied|verif)", text, re.IGNORECASE)
    )
    if about_us:
        return Failure(message, kind=Failure.OUTAGE, needs_attention=True, confirmed=False)
    return Failure(message, kind=Failure.PERMANENT)


def _judge_sender_reply(code: int, text: bytes) -> Failure:
    """A refusal of MAIL FROM is about our sender, unless the mail is too large (552, 5.3.4)."""
    shown = text.decode(errors="replace")
    if code == 552 or "5.3.4" in shown:
        return Failure(f"{code} {shown}", kind=Failure.PERMANENT)
    return Failure(f"{code} {shown}", kind=Failure.OUTAGE, needs_attention=code >= 500)


def _serialise(mail: EmailMessage, address: str) -> tuple[bytes, list[str]]:
    """The mail as it goes over the wire, and the options of MAIL FROM that it needs."""
    message = mail.message()
    if address.isascii():
        return message.as_bytes(linesep="\r\n"), []
    # Django would encode the local part in a way that mail servers do not undo.
    del message["To"]
    return f"To: {address}\r\n".encode() + message.as_bytes(linesep="\r\n"), ["SMTPUTF8"]


def _dot_stuff(raw: bytes) -> bytes:
    """RFC 5321 §4.5.2: a line that begins with a dot gets another, and a dot alone ends the mail."""
    end = b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"
    return re.sub(rb"(?m)^\.", b"..", raw) + end
