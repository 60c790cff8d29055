"""How often and how long each task ran, over all workers, for /metrics. Kept in Redis, by the task's name."""

import threading
import time

import redis

from meeteasy.core.redis import get_quick_redis

_KEYS = {"runs": "tasks:runs", "failures": "tasks:failures", "seconds": "tasks:seconds"}
# Ticks of an idle system run many times a second: what they add up to is sent this often.
_SEND_SECONDS = 5.0


class TaskTimes:
    """What the tasks of this process added, sent to Redis now and then. Each pool process has one; what it
    has not sent when it is killed is lost, as counters for an operator may be."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._sums: dict[tuple[str, str], float] = {}
        self._sent_at = 0.0
        self._lock = threading.Lock()

    def begin(self, task_id: str) -> None:
        self._began[task_id] = time.monotonic()

    def end(self, task_id: str, name: str, *, failed: bool) -> None:
        began = self._began.pop(task_id, None)
        if began is None:
            return
        with self._lock:
            for kind, value in (
                ("runs", 1.0), ("failures", float(failed)), ("seconds", time.monotonic() - began),
            ):  # fmt: skip
                self._sums[kind, name] = self._sums.get((kind, name), 0.0) + value
        if time.monotonic() - self._sent_at >= _SEND_SECONDS:
            self.send()

    def send(self) -> None:
        """Add what is there to the sums of all. While Redis is away it is kept."""
        self._sent_at = time.monotonic()
        with self._lock:
            sums, self._sums = self._sums, {}
        pipeline = get_quick_redis().pipeline(transaction=True)
        for (kind, name), value in sums.items():
            if value:
                pipeline.hincrbyfloat(_KEYS[kind], name, value)
        try:
            pipeline.execute()
        except (redis.RedisError, OSError):
            with self._lock:
                for key, value in sums.items():
                    self._sums[key] = self._sums.get(key, 0.0) + value


def read_totals() -> dict[str, dict[str, float]]:
    """Return {"runs" | "failures" | "seconds": {task: sum}}. Raises redis.RedisError."""
    pipeline = get_quick_redis().pipeline(transaction=False)
    for key in _KEYS.values():
        pipeline.hgetall(key)
    return {
        kind: {name.decode(): float(value) for name, value in found.items()}
        for kind, found in zip(_KEYS, pipeline.execute(), strict=True)
    }
