"""Celery tasks of the console."""

from console.services import digests, mailing, pictures
from meeteasy.core.queues import Queue, queue_task


@queue_task(Queue.NOTIFICATIONS_EMAIL, name=mailing.TASK)
def send_mail(pk: str) -> None:
    """Send a mail to an organizer."""
    mailing.send_mail(pk)


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="console.sweep_mails")
def sweep_mails() -> None:
    """Find mails to organizers that got lost or failed."""
    mailing.sweep_mails()


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="console.write_digests")
def write_digests() -> None:
    """Write the digests that are due into the outbox."""
    digests.write_due()


@queue_task(Queue.FILES_CONVERT, name="console.adopt_pictures")
def adopt_pictures() -> None:
    """Take over pictures of event pages whose conversion ended unnoticed."""
    pictures.adopt_results()
