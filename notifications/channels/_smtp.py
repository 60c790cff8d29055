"""Mail over SMTP, one message at a time, with the time-outs and the certainty that the outbox needs.

smtplib's `sendmail` has one time-out for everything and does not report how far it got. Here each step waits
as long as RFC 5321 §4.5.3.2 requires, so that a slow server does not get the mail twice. The outbox learns
when the server may start to act: at the end of the mail's text.
"""

import re
import select
import smtplib
import socket
import ssl
import time
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from meeteasy.core.addresses import to_wire
from notifications import status_codes
from notifications.channels._base import Call, Failure

# Seconds, RFC 5321 §4.5.3.2. The last one is the setting EMAIL_ANSWER_TIMEOUT, ten minutes by default.
_MAIL_SECONDS, _RCPT_SECONDS, _DATA_SECONDS, _BLOCK_SECONDS = 300, 300, 120, 180
# Nothing depends on the answer to QUIT, and a server that has just been silent will give none.
_QUIT_SECONDS = 2

# The server requires authentication or encryption.
_ABOUT_OUR_ACCOUNT = {530, 534, 535, 538}
# RFC 3463: an invalid sender address. RFC 4954: credentials. RFC 7372: SPF, DKIM, reverse DNS.
_ABOUT_OUR_SENDER = re.compile(r"5\.(1\.[78]|7\.(8|9|1[1-4]|2\d))\Z")


class EmailBackend(smtp.EmailBackend):
    """Django's backend with `transmit` for the outbox. Other mail goes out by `send_messages` as usual."""

    @property
    def _open_connection(self) -> Any:
        """The connection after `open()`. (Typeshed lacks the attributes of smtplib.SMTP that we need.)"""
        return self.connection

    def close(self) -> None:
        if self.connection is not None and self._open_connection.sock is not None:
            self._open_connection.sock.settimeout(_QUIT_SECONDS)
        super().close()

    def transmit(self, mail: EmailMessage, recipient: str, *, call: Call) -> None:
        """Send one mail over the open connection. Raises Failure.

        recipient: the address in its own script. A non-ASCII local part needs SMTPUTF8 (RFC 6531).
        """
        sender = to_wire(parseaddr(mail.from_email)[1])
        address = to_wire(recipient)
        raw, options = _serialise(mail, address)
        try:
            self._prepare(sender, address, raw, options, call=call)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise Failure(f"no answer before the mail was sent: {error}", kind=Failure.OUTAGE) from error
        call.begin(_BLOCK_SECONDS + 60)
        try:
            self._open_connection.sock.settimeout(_BLOCK_SECONDS)
            self._open_connection.send(_dot_stuff(raw))
            code, text = self._read_reply(settings.EMAIL_ANSWER_TIMEOUT, call=call)
        except (smtplib.SMTPException, OSError) as error:
            raise Failure(f"no answer: {error or type(error).__name__}", kind=Failure.UNKNOWN) from error
        if code != 250:
            raise judge_reply(code, text, sender=sender)

    def _prepare(self, sender: str, address: str, raw: bytes, options: list[str], *, call: Call) -> None:
        """Do all steps before the mail's text. Raises Failure, or smtplib's exceptions without an answer."""
        connection = self._open_connection
        connection.ehlo_or_helo_if_needed()
        if "SMTPUTF8" in options:
            if not connection.has_extn("smtputf8"):
                raise Failure(
                    "the mail server cannot send to addresses outside ASCII (SMTPUTF8)",
                    kind=Failure.PERMANENT,
                )
            connection.command_encoding = "utf-8"
        if connection.has_extn("size"):
            options = [*options, f"SIZE={len(raw)}"]
        if connection.has_extn("8bitmime"):
            options = [*options, "BODY=8BITMIME"]
        code, text = self._command(" ".join([f"MAIL FROM:<{sender}>", *options]), _MAIL_SECONDS, call=call)
        if code != 250:
            raise _judge_sender_reply(code, text)
        code, text = self._command(f"RCPT TO:<{address}>", _RCPT_SECONDS, call=call)
        if code not in (250, 251):
            raise judge_reply(code, text, sender=sender)
        code, text = self._command("DATA", _DATA_SECONDS, call=call)
        if code != 354:
            raise judge_reply(code, text, sender=sender)

    def _command(self, line: str, seconds: float, *, call: Call) -> tuple[int, bytes]:
        self._open_connection.putcmd(line)
        return self._read_reply(seconds, call=call)

    def _read_reply(self, seconds: float, *, call: Call) -> tuple[int, bytes]:
        """Return the server's next reply. Waits up to `seconds` and keeps the lease meanwhile."""
        connection, deadline = self._open_connection, time.monotonic() + seconds
        while True:
            call.keep()
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no reply within {seconds} s")
            if _is_readable(connection.sock, min(left, settings.NOTIFICATIONS_LEASE_SECONDS / 3)):
                break
        connection.sock.settimeout(left)
        code, text = connection.getreply()
        return code, text


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    """Whether there is something to read within `seconds`."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return bool(select.select([sock], [], [], seconds)[0])


def judge_reply(code: int, text: bytes | str, *, sender: str = "") -> Failure:
    """Return the failure that a refusal means.

    RFC 5321 §4.2.1: retry after 4yz, but not after 5yz. However, a server that refuses *us* says nothing
    about this mail. Many servers refuse us only once they know the recipient. One mail alone does not prove
    such a refusal, since the reply may be about that recipient.
    """
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    message = f"{code} {text}"
    if code == 421:
        return Failure(message, kind=Failure.OUTAGE, confirmed=False)
    if code < 500:
        return Failure(message, kind=Failure.TEMPORARY)
    enhanced = status_codes.ENHANCED.search(text)
    if code in _ABOUT_OUR_ACCOUNT:
        return Failure(message, kind=Failure.OUTAGE, needs_attention=True)
    about_us = (
        (enhanced is not None and _ABOUT_OUR_SENDER.match(enhanced[0]) is not None)
        or (bool(sender) and sender.lower() in text.lower())
        or re.search(r"\brelay(ing)?\b|\bsender\b.*\b(rejected|denied|verif)", text, re.IGNORECASE)
    )
    if about_us:
        return Failure(message, kind=Failure.OUTAGE, needs_attention=True, confirmed=False)
    return Failure(message, kind=Failure.PERMANENT)


def _judge_sender_reply(code: int, text: bytes) -> Failure:
    """Judge a refusal of MAIL FROM. It is about our sender, unless the mail is too large (552, 5.3.4)."""
    shown = text.decode(errors="replace")
    if code == 552 or "5.3.4" in shown:
        return Failure(f"{code} {shown}", kind=Failure.PERMANENT)
    return Failure(f"{code} {shown}", kind=Failure.OUTAGE, needs_attention=code >= 500)


def _serialise(mail: EmailMessage, address: str) -> tuple[bytes, list[str]]:
    """Return the mail as it goes over the wire, and the options of MAIL FROM that it needs."""
    message: Any = mail.message()
    if address.isascii():
        return message.as_bytes(linesep="\r\n"), []
    # Django would encode the local part in a way that mail servers do not decode.
    del message["To"]
    return f"To: {address}\r\n".encode() + message.as_bytes(linesep="\r\n"), ["SMTPUTF8"]


def _dot_stuff(raw: bytes) -> bytes:
    """Add a dot to lines that begin with one, and end the mail with a lone dot (RFC 5321 §4.5.2)."""
    end = b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"
    return re.sub(rb"(?m)^\.", b"..", raw) + end
