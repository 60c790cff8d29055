"""Celery tasks of the queues `analytics.events` and `analytics.daily`. Each is safe to repeat."""

import os
from functools import lru_cache

from analytics import holding, own_events, preparing
from analytics.days import redating, summaries
from analytics.stream import dead_letters
from analytics.stream.drain import Drain
from analytics.stream.queue import Consumer
from meeteasy.core import forgetting
from meeteasy.core.health import note_beat
from meeteasy.core.queues import Queue, queue_task
from meeteasy.core.redis import get_redis


@lru_cache(maxsize=1)
def _drain_of_process(pid: int) -> Drain:
    return Drain(Consumer(get_redis()))


@queue_task(Queue.ANALYTICS_EVENTS, name="analytics.drain_events")
def drain_events() -> None:
    """Drain the stream of events; ring again if entries are left when the time is up."""
    if _drain_of_process(os.getpid()).run():
        drain_events.delay()


@queue_task(Queue.ANALYTICS_DAILY, name="analytics.refresh_dirty_days")
def refresh_dirty_days() -> None:
    """Redate conferences whose settings changed, then compute the days that are marked dirty."""
    note_beat()
    redating.redate_changed_conferences()
    summaries.refresh_dirty_days(usual_seconds=summaries.USUAL_SECONDS)
    preparing.remake_stale_segments()


@queue_task(Queue.ANALYTICS_DAILY, name="analytics.close_ended_days")
def close_ended_days() -> None:
    """Compute and close the days whose local midnight has passed; clear segments up."""
    summaries.close_ended_days()
    preparing.sweep_segments()
    preparing.sweep_scratch()


@queue_task(Queue.ANALYTICS_DAILY, name="analytics.drop_unclaimed_events")
def drop_unclaimed_events() -> None:
    """Delete events that waited a week and still have no conference, and old letters that were replayed."""
    redating.drop_unclaimed_events()
    dead_letters.drop_replayed()


@queue_task(Queue.ANALYTICS_DAILY, name="analytics.send_missing_own_events")
def send_missing_own_events() -> None:
    """Send the own events of registrations and check-ins that are missing."""
    own_events.send_missing()


@queue_task(Queue.ANALYTICS_DAILY, name="analytics.forget_deleted")
def forget_deleted() -> None:
    """Delete ended salts, and take what was deleted off the disk."""
    forgetting.forget()


@queue_task(
    Queue.ANALYTICS_DAILY,
    name="analytics.carry_out_hold_decisions",
    time_limit_seconds=holding.TIME_LIMIT_SECONDS,
)
def carry_out_hold_decisions() -> None:
    """Release or void held reports as organizers decided; go on in a further task if the time is up."""
    if holding.carry_out_decisions():
        carry_out_hold_decisions.delay()
