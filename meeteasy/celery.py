"""The Celery application. Tasks live in each app's tasks.py, declared by `core.queues.queue_task`."""

import gc
import os
import signal
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun, task_revoked, worker_process_init

from meeteasy.core.heartbeats import Heart
from meeteasy.core.queues import queue_of
from meeteasy.supervising import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

app = Celery("meeteasy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def spare_the_collector(**_: object) -> None:
    """Make the cyclic collector run rarely, and skip what is loaded for good.

    A bulk of thousands of events makes hundreds of thousands of objects without cycles. Walking through them
    again and again was a tenth of the cost of share events.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@worker_process_init.connect
def end_with_worker(**_: object) -> None:
    """Let a pool process end with its worker, kill -9 included.

    It would go on with its task otherwise, while another worker gets the same message.
    """
    end_with_parent(signal.SIGKILL)


_heart = Heart()


@task_prerun.connect
def note_beginning(task_id: str, task: Any, **_: object) -> None:
    queue = queue_of(task.name)
    if queue is not None and not task.request.is_eager:
        _heart.begin(task_id, queue)


@task_postrun.connect
def note_end(task_id: str, **_: object) -> None:
    _heart.end(task_id)


@task_revoked.connect
def note_expired(sender: Any, expired: bool, **_: object) -> None:
    """Note a tick that was dropped because it came too late. The worker is behind, but takes messages."""
    queue = queue_of(sender.name)
    if expired and queue is not None:
        _heart.beat(queue)
