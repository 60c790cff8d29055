"""The outbox of mails to organizers: a row first, a message after commit, a sweep for what got lost."""

import datetime as dt
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from console.models import Invitation, OrganizerMail
from console.services.mail_kinds import KINDS
from meeteasy.core.jobs import backoff_seconds, claim, finish, lease_expired, ring, update_claimed
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)
Status = OrganizerMail.Status

TASK = "console.send_mail"
_LEASE_SECONDS = 150  # longer than the hard time limit of the queue's tasks
_MOST_ATTEMPTS = 10
_SWEPT_AT_ONCE = 200
_KEPT_DAYS = 30
# Answers after which the mail has certainly not arrived.
_REFUSALS = (
    smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError,
)  # fmt: skip
_DOUBT = "It may have arrived, so no copy is sent: "


def queue_mail(kind: str, *, recipient: str, language: str, about: object) -> OrganizerMail:
    """Write a mail into the outbox, in the caller's transaction. about: the id of what it is about."""
    mail = OrganizerMail.objects.create(kind=kind, recipient=recipient, language=language, about=str(about))
    transaction.on_commit(
        lambda: ring(TASK, [[str(mail.pk)]], queue=Queue.NOTIFICATIONS_EMAIL), robust=True
    )  # fmt: skip
    return mail


def send_mail(pk: str, *, now: dt.datetime | None = None) -> None:
    """Send a queued mail. A second delivery of the message finds it claimed."""
    now = now or timezone.now()
    waiting = OrganizerMail.objects.filter(status=Status.QUEUED, scheduled_for__lte=now)
    token = claim(
        waiting, pk=pk, lease_seconds=_LEASE_SECONDS, now=now, status=Status.SENDING, called_at=None
    )
    if token is None:
        return
    mail = OrganizerMail.objects.get(pk=pk)
    rows = OrganizerMail.objects.all()
    is_called = False
    try:
        message = _render(mail)
        if message is not None:
            message.connection = get_connection(fail_silently=False)
            message.connection.open()  # a server that is down gets nothing
            is_called = update_claimed(rows, pk=pk, token=token, called_at=timezone.now())
            if not is_called:
                return  # another worker has it: this one was slow
            message.send(fail_silently=False)
            message.connection.close()
    except Exception as error:
        log.warning("organizer_mail_failed", kind=mail.kind, attempt=mail.attempts, error=str(error))
        may_have_arrived = is_called and not isinstance(error, _REFUSALS)
        is_over = may_have_arrived and KINDS[mail.kind].is_sent_once
        status = Status.FAILED if is_over or mail.attempts >= _MOST_ATTEMPTS else Status.QUEUED
        later = now + dt.timedelta(seconds=backoff_seconds(mail.attempts))
        error_text = f"{_DOUBT}{error}" if is_over else str(error)
        finish(
            rows, pk=pk, token=token, status=status, scheduled_for=later,
            last_error=error_text.replace("\0", "")[:2000],
        )  # fmt: skip
        return
    outcome = Status.SENT if message is not None else Status.DROPPED
    finish(rows, pk=pk, token=token, status=outcome, sent_at=now if message else None, last_error="")


def sweep_mails(*, now: dt.datetime | None = None) -> None:
    """Queue again what a dead worker held, ring for what is due, and forget old mails and invitations."""
    now = now or timezone.now()
    rows = OrganizerMail.objects.all()
    held = rows.filter(lease_expired(now), status=Status.SENDING)
    once = [name for name, kind in KINDS.items() if kind.is_sent_once]
    held.filter(kind__in=once, called_at__isnull=False).update(
        status=Status.FAILED, lease_token="", lease_until=None, last_error=f"{_DOUBT}its worker died"
    )
    held.update(status=Status.QUEUED, lease_token="", lease_until=None)
    due = rows.filter(status=Status.QUEUED, scheduled_for__lte=now).order_by("scheduled_for")
    ring(
        TASK, ([str(pk)] for pk in due.values_list("pk", flat=True)[:_SWEPT_AT_ONCE]),
        queue=Queue.NOTIFICATIONS_EMAIL,
    )  # fmt: skip
    before = now - dt.timedelta(days=_KEPT_DAYS)
    rows.filter(created_at__lt=before).delete()
    Invitation.objects.filter(accepted_at=None, expires_at__lt=before).delete()


def _render(mail: OrganizerMail) -> EmailMultiAlternatives | None:
    """Return the mail's text and headers; None if it is not needed any more."""
    kind = KINDS[mail.kind]
    with translation.override(mail.language):
        context = kind.describe(mail)
        if context is None:
            return None
        subject = render_to_string(f"console/mails/{mail.kind}_subject.txt", context)
        text = render_to_string(f"console/mails/{mail.kind}.txt", context)
        html = render_to_string(f"console/mails/{mail.kind}.html", context) if kind.has_html else ""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    # Mailboxes hide a second copy with the same id.
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": f"<{mail.pk.hex}@{domain}>"}
    if kind.unsubscribe:
        # RFC 8058: mail programs show a button that POSTs to this address, without a person's session.
        headers["List-Unsubscribe"] = f"<{context[kind.unsubscribe]}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=text.strip() + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers=headers,
    )
    if html:
        message.attach_alternative(html, "text/html")
    return message
