"""Beat's scheduler: django-celery-beat's, which also tells systemd's watchdog that it ticks."""

import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from meeteasy.core.systemd import notify, watchdog_seconds


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Says READY=1 after the first tick and WATCHDOG=1 after those that follow, some four in its time."""

    _told_at: float | None = None

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        interval = super().tick(*args, **kwargs)
        now = time.monotonic()
        if self._told_at is None:
            notify("READY=1")
        if self._told_at is None or now - self._told_at >= (watchdog_seconds() or 0) / 4:
            self._told_at = now
            notify("WATCHDOG=1")
        return interval
