"""Celery tasks of the queue `files.convert`. All are safe to repeat."""

from conversion.services import converting, removing, sweeping, uploading
from meeteasy.core.queues import Queue, queue_task


@queue_task(Queue.FILES_CONVERT, name=uploading.TASK)
def convert(job_id: str) -> None:
    converting.convert(job_id)


@queue_task(Queue.FILES_CONVERT, name="conversion.sweep")
def sweep() -> None:
    """Requeue jobs of dead workers, and ring for due and lost ones."""
    sweeping.sweep()


@queue_task(Queue.FILES_CONVERT, name="conversion.clean_up")
def clean_up() -> None:
    """Remove expired conversions and files that belong to none."""
    removing.clean_up()
