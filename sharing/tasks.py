"""Celery tasks of sharing. Each is safe to repeat."""

from meeteasy.core.queues import Queue, queue_task
from sharing.derivation import deriving
from sharing.services import voiding


@queue_task(Queue.ANALYTICS_EVENTS, name="sharing.settle")
def settle() -> None:
    """Write totals that are due, and finish the work of killed workers."""
    voiding.apply_decisions()
    deriving.settle_all()
