"""Celery tasks of the queues `analytics.events` and `analytics.daily`. Each is safe to repeat."""

import os
from functools import lru_cache

from celery import shared_task

from analytics import daily, localise
from analytics.drain import Drain
from analytics.stream import Consumer, get_redis
from meeteasy.health import note_beat
from meeteasy.queues import WORKER_OPTIONS, Queue

_EVENTS = WORKER_OPTIONS[Queue.ANALYTICS_EVENTS].time_limit_seconds
_DAILY = WORKER_OPTIONS[Queue.ANALYTICS_DAILY].time_limit_seconds


@lru_cache(maxsize=1)
def _drain_of_process(pid: int) -> Drain:
    return Drain(Consumer(get_redis()))


@shared_task(name="analytics.drain_events", queue=Queue.ANALYTICS_EVENTS, time_limit=_EVENTS)
def drain_events() -> None:
    """Work off the stream of events; ring again for what is left when the time is up."""
    if _drain_of_process(os.getpid()).run():
        drain_events.delay()


@shared_task(name="analytics.refresh_dirty_days", queue=Queue.ANALYTICS_DAILY, time_limit=_DAILY)
def refresh_dirty_days() -> None:
    """Localise what changed its zone, then compute the days that are marked dirty."""
    note_beat()
    localise.localise_changed_conferences()
    daily.refresh_dirty_days()


@shared_task(name="analytics.close_ended_days", queue=Queue.ANALYTICS_DAILY, time_limit=_DAILY)
def close_ended_days() -> None:
    """Compute once more, and close, the days whose local midnight has passed."""
    daily.close_ended_days()


@shared_task(name="analytics.drop_unclaimed_events", queue=Queue.ANALYTICS_DAILY, time_limit=_DAILY)
def drop_unclaimed_events() -> None:
    """Delete events that waited a week for a conference that nobody created."""
    localise.drop_unclaimed_events()
