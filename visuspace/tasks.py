"""Celery tasks of the event pages."""

from meeteasy.core.queues import Queue, queue_task
from visuspace.services import generating


@queue_task(Queue.AI_GENERATE, name=generating.TASK, time_limit_seconds=generating.TIME_LIMIT_SECONDS)
def generate(pk: str) -> None:
    """Let a provider write the text of a page."""
    generating.generate(pk)


@queue_task(Queue.AI_GENERATE, name="visuspace.catch_up", time_limit_seconds=60)
def catch_up() -> None:
    """Requeue generation jobs whose message or worker was lost."""
    generating.ring_waiting_jobs()
