"""Heartbeats of queues: when a worker last began, worked on or finished a task of each queue.

Every queue has a sweep that beat sends at least every 10 seconds. So a queue without a heartbeat has no
worker, a stopped worker, or a connected worker that takes nothing. Or beat is silent, which /readyz reports
as well.
"""

import threading
import time
from contextlib import suppress

import redis
from django.conf import settings

from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis, read_clock, take_gate

log = get_logger(__name__)

# A queue that is silent for longer is reported. A check every 10 seconds then notices within a minute.
SILENT_SECONDS = 45
_KEY = "heartbeats"
_BEAT_SECONDS = 5.0
_LOG_SECONDS = 60


class Heart:
    """Sends heartbeats for the queues of this process's tasks. Each pool process of a worker has one."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}  # task id: queue
        self._beaten: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def begin(self, task_id: str, queue: str) -> None:
        self._running[task_id] = queue
        self.beat(queue)
        if self._thread is None:  # not before the first task: threads do not survive the fork
            self._thread = threading.Thread(target=self._keep_beating, daemon=True)
            self._thread.start()

    def end(self, task_id: str) -> None:
        queue = self._running.pop(task_id, None)
        if queue is not None:
            self.beat(queue)

    def beat(self, queue: str) -> None:
        """Note that a worker is on the queue, every 5 seconds at most. Does nothing while Redis is away."""
        now = time.monotonic()
        if now - self._beaten.get(queue, -_BEAT_SECONDS) >= _BEAT_SECONDS:
            self._beaten[queue] = now
            with suppress(redis.RedisError, OSError):
                client = get_quick_redis()
                client.hset(_KEY, queue, int(read_clock(client)))

    def _keep_beating(self) -> None:
        while True:
            time.sleep(_BEAT_SECONDS)
            for queue in set(self._running.values()):
                self.beat(queue)


def expected_queues() -> list[str]:
    """Return the queues that the schedule sends to."""
    return sorted({str(entry["queue"]) for entry in settings.DEFAULT_SCHEDULE.values()})


def read_ages() -> dict[str, int | None]:
    """Return the seconds since each queue's last heartbeat; None: never. Raises redis.RedisError.

    All by Redis' clock. If that was set back, a heartbeat in the future is as old as it is early: a worker
    that lives replaces it within seconds.
    """
    client, queues = get_quick_redis(), expected_queues()
    now, beaten = int(read_clock(client)), client.hmget(_KEY, queues)
    return {
        queue: None if at is None else abs(now - int(at)) for queue, at in zip(queues, beaten, strict=True)
    }


def find_silent() -> dict[str, str]:
    """Return a warning for each silent queue. Raises redis.RedisError."""
    return {
        f"queue:{queue}": "no worker has been heard of yet"
        if age is None
        else f"no worker heard of for {age} s"
        for queue, age in read_ages().items()
        if age is None or age > SILENT_SECONDS
    }


def log_silent() -> None:
    """Log each silent queue once a minute, whichever process notices it first."""
    with suppress(redis.RedisError, OSError):
        for name, message in find_silent().items():
            queue = name.removeprefix("queue:")
            key = f"heartbeats:logged:{queue}"
            if take_gate(get_quick_redis(), key, milliseconds=_LOG_SECONDS * 1000):
                log.error("queue_silent", queue=queue, message=message)
