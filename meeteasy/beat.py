"""Beat's scheduler: django-celery-beat's, which also survives a clock that is set back, and tells systemd's
watchdog that it ticks."""

import datetime as dt
import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from meeteasy.core.logs import get_logger
from meeteasy.core.systemd import notify, watchdog_seconds

log = get_logger(__name__)

# Steps of NTP below this change nothing that anybody notices.
_JUMP_SECONDS = 2.0


class Entry(ModelEntry):  # type: ignore[misc]
    """An entry that ran in the future, by a clock that was set back since, counts as just run.

    Otherwise it would not run again before that time: for two days, if the clock was two days fast.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_run_at: dt.datetime = min(self.model.last_run_at, self._default_now())


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Says READY=1 after the first tick and WATCHDOG=1 after those that follow, some four in its time."""

    Entry = Entry
    _told_at: float | None = None
    _clock_ahead: float | None = None  # of the monotonic clock, which nobody can set

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._heed_clock()
        interval = super().tick(*args, **kwargs)
        now = time.monotonic()
        if self._told_at is None:
            notify("READY=1")
        if self._told_at is None or now - self._told_at >= (watchdog_seconds() or 0) / 4:
            self._told_at = now
            notify("WATCHDOG=1")
        return interval

    def _heed_clock(self) -> None:
        """Read the schedule again if the clock was set: what is due when was computed by the former time."""
        ahead = time.time() - time.monotonic()
        jumped = 0.0 if self._clock_ahead is None else ahead - self._clock_ahead
        self._clock_ahead = ahead
        if abs(jumped) < _JUMP_SECONDS:
            return
        log.warning("clock_jumped", seconds=round(jumped))
        self._initial_read, self._heap = True, None
