"""Celery tasks of the conferences. They are rare and short, so they share the queue of the daily work."""

from conferences.services import idempotency
from meeteasy.core.queues import Queue, queue_task


@queue_task(Queue.ANALYTICS_DAILY, name="conferences.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """Delete the keys of requests that nobody sends again any more."""
    idempotency.forget_old_keys()
