"""Celery tasks of the conferences. They are rare and short, so they share the queue of the daily work."""

from conferences.services import idempotency, receipts
from meeteasy.core.queues import Queue, queue_task


@queue_task(Queue.ANALYTICS_DAILY, name="conferences.forget_expired")
def forget_expired() -> None:
    """Delete keys of requests that are not sent again any more, and receipts that are not reported."""
    idempotency.forget_old_keys()
    receipts.forget_old_receipts()
