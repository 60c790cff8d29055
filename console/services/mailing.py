"""The outbox of mails to organizers: a row first, a message after commit, a sweep for what got lost."""

import datetime as dt

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from console.models import Invitation, OrganizerMail
from console.services.mail_kinds import KINDS
from meeteasy.core.jobs import backoff_seconds, claim, finish, lease_expired, ring
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)
Status = OrganizerMail.Status

TASK = "console.send_mail"
_LEASE_SECONDS = 150  # longer than the hard time limit of the queue's tasks
_MOST_ATTEMPTS = 10
_SWEPT_AT_ONCE = 200
_KEPT_DAYS = 30


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
    token = claim(waiting, pk=pk, lease_seconds=_LEASE_SECONDS, now=now, status=Status.SENDING)
    if token is None:
        return
    mail = OrganizerMail.objects.get(pk=pk)
    rows = OrganizerMail.objects.all()
    try:
        is_sent = _deliver(mail)
    except Exception as error:
        log.warning("organizer_mail_failed", kind=mail.kind, attempt=mail.attempts, error=str(error))
        status = Status.QUEUED if mail.attempts < _MOST_ATTEMPTS else Status.FAILED
        later = now + dt.timedelta(seconds=backoff_seconds(mail.attempts))
        error_text = str(error).replace("\0", "")[:2000]
        finish(rows, pk=pk, token=token, status=status, scheduled_for=later, last_error=error_text)
        return
    outcome = Status.SENT if is_sent else Status.DROPPED
    finish(rows, pk=pk, token=token, status=outcome, sent_at=now if is_sent else None, last_error="")


def sweep_mails(*, now: dt.datetime | None = None) -> None:
    """Queue again what a dead worker held, ring for what is due, and forget old mails and invitations."""
    now = now or timezone.now()
    rows = OrganizerMail.objects.all()
    rows.filter(lease_expired(now), status=Status.SENDING).update(
        status=Status.QUEUED, lease_token="", lease_until=None
    )
    due = rows.filter(status=Status.QUEUED, scheduled_for__lte=now).order_by("scheduled_for")
    ring(
        TASK, ([str(pk)] for pk in due.values_list("pk", flat=True)[:_SWEPT_AT_ONCE]),
        queue=Queue.NOTIFICATIONS_EMAIL,
    )  # fmt: skip
    before = now - dt.timedelta(days=_KEPT_DAYS)
    rows.filter(created_at__lt=before).delete()
    Invitation.objects.filter(accepted_at=None, expires_at__lt=before).delete()


def _deliver(mail: OrganizerMail) -> bool:
    """Send the mail. Returns False if it is not needed any more."""
    with translation.override(mail.language):
        context = KINDS[mail.kind](mail)
        if context is None:
            return False
        subject = render_to_string(f"console/mails/{mail.kind}_subject.txt", context)
        text = render_to_string(f"console/mails/{mail.kind}.txt", context)
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body=text.strip() + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.send(fail_silently=False)
    return True
