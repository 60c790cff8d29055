"""Whether this worker takes messages: what systemd's watchdog is told (deploy/systemd).

A worker can be alive and connected and yet take nothing. Then messages wait, no task runs, and none has been
received for a while. A worker that has nothing to take is well, and so is one whose Redis is away: a restart
would mend neither.
"""

import time
from collections.abc import Sequence
from typing import Any

import redis
from celery.signals import task_received, task_revoked, worker_ready, worker_shutting_down
from celery.worker import state

from meeteasy.core.logs import get_logger
from meeteasy.core.queues import WORKER_OPTIONS, Queue
from meeteasy.core.redis import get_quick_redis
from meeteasy.core.systemd import feed_watchdog_while, notify, watchdog_seconds

log = get_logger(__name__)

# Beyond a task's hard time limit, until its process was replaced.
_GRACE_SECONDS = 30


class Consuming:
    """What the main process of a worker knows of its messages. silent_seconds: how long messages may wait
    while it takes none."""

    def __init__(self, queues: Sequence[str], *, silent_seconds: float) -> None:
        self._queues = queues
        self._silent_seconds = silent_seconds
        limits = [WORKER_OPTIONS[Queue(name)].time_limit_seconds for name in queues]
        self._task_seconds = max(limits) + _GRACE_SECONDS
        self._began: dict[str, float] = {}  # id of a running task: when it was seen first
        self._well_at = time.monotonic()

    def note_message(self, **_: Any) -> None:
        self._well_at = time.monotonic()

    def is_well(self) -> bool:
        now = time.monotonic()
        if self._is_at_work(now) or not self._do_messages_wait():
            self._well_at = now
        is_well = now - self._well_at < self._silent_seconds
        if not is_well:
            log.error("worker_takes_nothing", queues=list(self._queues), seconds=round(now - self._well_at))
        return is_well

    def _is_at_work(self, now: float) -> bool:
        """Whether a task runs, and not for longer than any may."""
        running = {request.id for request in list(state.active_requests)}
        self._began = {task_id: self._began.get(task_id, now) for task_id in running}
        return any(now - began < self._task_seconds for began in self._began.values())

    def _do_messages_wait(self) -> bool:
        try:
            connection = get_quick_redis()
            return any(connection.llen(name) for name in self._queues)
        except redis.RedisError:
            return False


def tell_systemd(queues: Sequence[str]) -> None:
    """Tell systemd when the worker is ready, and from then on as long as it takes messages."""
    seconds = watchdog_seconds()
    consuming = Consuming(queues, silent_seconds=(seconds or 0) / 2)

    def begin(**_: Any) -> None:
        notify("READY=1")
        feed_watchdog_while(consuming.is_well)

    # Not weak: nothing else holds the functions.
    worker_ready.connect(begin, weak=False)
    worker_shutting_down.connect(lambda **_: notify("STOPPING=1"), weak=False)
    task_received.connect(consuming.note_message, weak=False)
    task_revoked.connect(consuming.note_message, weak=False)
