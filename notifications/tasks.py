"""Celery tasks of the queues `notifications.email` and `notifications.sms`. Each is safe to repeat.

Every tick is a task of its channel's own queue: a mail server that hangs holds up no SMS.
"""

from meeteasy.core.queues import Queue, queue_task
from notifications.services import announcing, reminding, sweeping
from notifications.services.delivering import deliver


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="notifications.send_email")
def send_email(notification_id: str) -> None:
    deliver(notification_id)


@queue_task(Queue.NOTIFICATIONS_SMS, name="notifications.send_sms")
def send_sms(notification_id: str) -> None:
    deliver(notification_id)


@queue_task(Queue.NOTIFICATIONS_EMAIL, name="notifications.sweep_email")
def sweep_email() -> None:
    """Write announcements and reminders, clear up after dead workers, ring for what is due or was lost."""
    announcing.write_announced_messages()
    reminding.plan_reminders("email")
    sweeping.sweep("email")


@queue_task(Queue.NOTIFICATIONS_SMS, name="notifications.sweep_sms")
def sweep_sms() -> None:
    """The same for SMS, which has no announcements."""
    reminding.plan_reminders("sms")
    sweeping.sweep("sms")
