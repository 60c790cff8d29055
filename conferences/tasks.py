"""Celery tasks of the conferences app. Beat's tasks are rare and short and share the daily queue."""

from django.utils import timezone

from conferences.services import aliases, deleting, exporting, idempotency, jobs, places, receipts, retention
from meeteasy.core.queues import Queue, queue_task
from meeteasy.core.slices import TIME_LIMIT_SECONDS


@queue_task(Queue.FILES_CONVERT, name=jobs.TASK, time_limit_seconds=TIME_LIMIT_SECONDS)
def work_on_job(pk: str) -> None:
    """Run a slice of an import or of decisions about many registrations."""
    jobs.work_on_job(pk)


@queue_task(Queue.FILES_CONVERT, name=aliases.TASK, time_limit_seconds=60)
def check_alias(pk: int) -> None:
    """Look whether a site proves a domain."""
    aliases.check_alias(pk)


@queue_task(Queue.FILES_CONVERT, name=exporting.TASK, time_limit_seconds=TIME_LIMIT_SECONDS)
def work_on_export(pk: str) -> None:
    """Run a slice of an export."""
    exporting.work_on_export(pk)


@queue_task(Queue.ANALYTICS_DAILY, name="conferences.catch_up")
def catch_up() -> None:
    """Requeue jobs and checks that lost their worker or message, and give away places that are still free."""
    jobs.ring_waiting_jobs()
    aliases.ring_waiting_checks()
    exporting.ring_waiting_exports()
    places.promote_everywhere(now=timezone.now())


@queue_task(Queue.ANALYTICS_DAILY, name="conferences.delete_due")
def delete_due() -> None:
    """Delete conferences whose waiting time is over, and what arrived for them meanwhile."""
    deleting.delete_due()


@queue_task(Queue.ANALYTICS_DAILY, name="conferences.forget_expired")
def forget_expired() -> None:
    """Delete old idempotency keys, receipts, reports of jobs and files of exports."""
    idempotency.forget_old_keys()
    receipts.forget_old_receipts()
    jobs.forget_old_jobs()
    exporting.forget_old_exports()


@queue_task(
    Queue.ANALYTICS_DAILY,
    name="conferences.delete_old",
    time_limit_seconds=retention.TIME_LIMIT_SECONDS,
)
def delete_old() -> None:
    """Delete what conferences have kept for long enough; go on in a further task if the time is up."""
    if retention.delete_due():
        delete_old.delay()
