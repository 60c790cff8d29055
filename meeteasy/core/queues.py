"""The six Celery queues and how their workers run: the one place that knows their names.

`manage.py worker` runs a queue with these options. The Procfile, which `manage.py up` runs, has one worker
for each queue that has tasks. An operator may give a worker several queues, or a queue several workers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from celery import shared_task

from meeteasy.core.patience import patient


class Queue(StrEnum):
    ANALYTICS_EVENTS = "analytics.events"
    ANALYTICS_DAILY = "analytics.daily"
    NOTIFICATIONS_EMAIL = "notifications.email"
    NOTIFICATIONS_SMS = "notifications.sms"
    FILES_CONVERT = "files.convert"
    AI_GENERATE = "ai.generate"


@dataclass(frozen=True)
class WorkerOptions:
    """How a queue's worker process runs.

    concurrency: the number of child processes. Two store events: one decodes and reacts while the other waits
        for the database. Together they get their share of a machine with many busy web processes. Queues that
        wait for a provider use several.
    time_limit_seconds: a task that takes longer is killed and run again. Every task is safe to repeat.
    niceness: 0 to 19; on a busy machine, processes with a lower one go first. A mail can wait, a person at a
        form cannot.
    """

    concurrency: int
    time_limit_seconds: int
    niceness: int = 0


WORKER_OPTIONS: dict[Queue, WorkerOptions] = {
    Queue.ANALYTICS_EVENTS: WorkerOptions(concurrency=2, time_limit_seconds=55),
    Queue.ANALYTICS_DAILY: WorkerOptions(concurrency=1, time_limit_seconds=600),
    # Four, because a slow mail server may hold one for minutes (notifications/tasks.py).
    Queue.NOTIFICATIONS_EMAIL: WorkerOptions(concurrency=4, time_limit_seconds=120, niceness=10),
    Queue.NOTIFICATIONS_SMS: WorkerOptions(concurrency=2, time_limit_seconds=120, niceness=10),
    # Two, so that the slices of imports and decisions get their turn beside a slow document.
    Queue.FILES_CONVERT: WorkerOptions(concurrency=2, time_limit_seconds=300),
    Queue.AI_GENERATE: WorkerOptions(concurrency=2, time_limit_seconds=300),
}

# Of a task's time limit; the rest is to end in order.
_SHARE_TO_WAIT = 0.8

_queue_of_task: dict[str, Queue] = {}


def queue_task(
    queue: Queue, *, name: str, time_limit_seconds: int | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a Celery task of `queue`. Its hard time limit is the queue's, unless it sets its own.

    What it asks of MongoDB may take nearly as long; only what stores events must notice a stall long before.

    @queue_task(Queue.ANALYTICS_DAILY, name="analytics.close_ended_days")
    def close_ended_days() -> None: ...
    """
    _queue_of_task[name] = queue
    limit = time_limit_seconds or WORKER_OPTIONS[queue].time_limit_seconds
    as_task = shared_task(name=name, time_limit=limit)
    if queue == Queue.ANALYTICS_EVENTS:
        return as_task
    return lambda function: as_task(patient(_SHARE_TO_WAIT * limit)(function))


def route_task(name: str, *args: Any, **kwargs: Any) -> dict[str, str] | None:
    """Send each task to the queue that it was declared for. Celery's router (settings.CELERY_TASK_ROUTES)."""
    queue = queue_of(name)
    return None if queue is None else {"queue": queue}


def queue_of(task_name: str) -> str | None:
    """The queue that a task of ours was declared for."""
    queue = _queue_of_task.get(task_name)
    return None if queue is None else str(queue)
