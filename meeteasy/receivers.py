"""Receivers of signals that concern no single app: sign-ins, and the tasks of Celery's workers."""

import gc
import signal
from typing import Any

from celery.signals import (
    before_task_publish,
    task_postrun,
    task_prerun,
    task_revoked,
    worker_process_init,
    worker_process_shutdown,
)
from celery.states import FAILURE
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from meeteasy.core import logins, request_ids
from meeteasy.core.heartbeats import Heart
from meeteasy.core.queues import queue_of
from meeteasy.core.task_times import TaskTimes
from meeteasy.supervising import end_with_parent

_heart, _times = Heart(), TaskTimes()


@receiver(user_login_failed, dispatch_uid="meeteasy.note_failed_login")
def note_failed_login(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    if request is not None:
        logins.note_failure(request, str(credentials.get("username", "")))


@receiver(user_logged_in, dispatch_uid="meeteasy.forget_failed_logins")
def forget_failed_logins(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    if request is not None:
        logins.forget_failures(request, user.get_username())


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


@before_task_publish.connect
def send_request_id(headers: dict[str, Any] | None = None, **_: object) -> None:
    request_ids.send_along(headers)


@task_prerun.connect
def note_beginning(task_id: str, task: Any, **_: object) -> None:
    request_ids.bind_in_task(task)
    queue = queue_of(task.name)
    if queue is not None and not task.request.is_eager:
        _heart.begin(task_id, queue)
        _times.begin(task_id)


@task_postrun.connect
def note_end(task_id: str, task: Any, state: str | None = None, **_: object) -> None:
    _heart.end(task_id)
    _times.end(task_id, task.name, failed=state == FAILURE)
    request_ids.unbind(task)


@worker_process_shutdown.connect
def send_times(**_: object) -> None:
    _times.send()


@task_revoked.connect
def note_expired(sender: Any, expired: bool, **_: object) -> None:
    """Note a tick that was dropped because it came too late. The worker is behind, but takes messages."""
    queue = queue_of(sender.name)
    if expired and queue is not None:
        _heart.beat(queue)
