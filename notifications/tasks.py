"""Celery tasks of the queues `notifications.email` and `notifications.sms`. All are safe to repeat.

Each tick is a task on its channel's own queue, so a hanging mail server does not delay SMS.
"""

from meeteasy.core.queues import Queue, queue_task
from notifications.services import announcing, mailings, reminding, sweeping
from notifications.services.delivering import deliver
from notifications.services.draining import drain

# A mail server may take ten minutes to answer (RFC 5321 §4.5.3.2), and the steps before that take time.
SEND_EMAIL_SECONDS = 1800


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="notifications.send_email", time_limit_seconds=SEND_EMAIL_SECONDS)
def send_email(notification_id: str) -> None:
    deliver(notification_id)


@queue_task(Queue.NOTIFICATIONS_SMS, name="notifications.send_sms")
def send_sms(notification_id: str) -> None:
    deliver(notification_id)


@queue_task(
    Queue.NOTIFICATIONS_EMAIL, name="notifications.send_due_email", time_limit_seconds=SEND_EMAIL_SECONDS
)
def send_due_email() -> None:
    drain("email")


@queue_task(Queue.NOTIFICATIONS_SMS, name="notifications.send_due_sms")
def send_due_sms() -> None:
    drain("sms")


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="notifications.sweep_email")
def sweep_email() -> None:
    """Write announcements, messages and reminders, clean up after dead workers, queue due and lost rows."""
    announcing.write_announced_messages()
    mailings.write_due_mailings()
    reminding.plan_reminders("email")
    sweeping.sweep("email")


@queue_task(Queue.NOTIFICATIONS_SMS, name="notifications.sweep_sms")
def sweep_sms() -> None:
    """Do the same for SMS, which has no announcements."""
    reminding.plan_reminders("sms")
    sweeping.sweep("sms")
