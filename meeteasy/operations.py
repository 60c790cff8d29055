"""What operators see first: queues with depth and age, workers, beat, and what failed for good.

Each number is bounded: it says whether there is something to do, and the page behind it has the rest.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from analytics.models import DeadLetter, DirtyDay
from analytics.stream import queue as stream
from console.models import OrganizerMail
from conversion.models import ConversionJob
from meeteasy.core import health, heartbeats, task_times
from meeteasy.core.queues import Queue
from meeteasy.core.redis import get_quick_redis
from notifications.models import Notification
from visuspace.models import GenerationJob

MOST = 1_000  # no more rows are counted
_OLD_SECONDS = 60  # what waits for longer deserves a look
_RECENT = dt.timedelta(hours=24)
GOOD, WARN, BAD = "good", "warn", "bad"


@dataclass(frozen=True)
class Waiting:
    """Work that waits. age_seconds: of the oldest; None: there is none. is_cut: there may be more."""

    count: int
    age_seconds: int | None
    url: str
    is_cut: bool = False


@dataclass(frozen=True)
class QueueState:
    """heard_seconds: since a worker of the queue was heard of; None: never. messages: not yet taken."""

    name: str
    messages: int
    heard_seconds: int | None
    waiting: Waiting

    @property
    def level(self) -> str:
        if self.heard_seconds is None or self.heard_seconds > heartbeats.SILENT_SECONDS:
            return BAD
        return WARN if (self.waiting.age_seconds or 0) > _OLD_SECONDS else GOOD


@dataclass(frozen=True)
class Failed:
    """Something that failed for good, and the page that lists it."""

    label: str
    count: int
    url: str

    @property
    def is_cut(self) -> bool:
        return self.count >= MOST


@dataclass(frozen=True)
class TaskRuns:
    """How often a task ran on all workers since Redis was empty, and how long on average."""

    name: str
    runs: int
    failures: int
    mean_milliseconds: int


@dataclass
class State:
    """redis_error: why queues, workers and tasks are not known."""

    queues: list[QueueState] = field(default_factory=list)
    beat_seconds: int | None = None
    beat_level: str = BAD
    beat_url: str = ""
    failed: list[Failed] = field(default_factory=list)
    tasks: list[TaskRuns] = field(default_factory=list)
    redis_error: str = ""


def may_see(user: User | AnonymousUser) -> bool:
    """Whether the user operates the system, and does not only look after conferences of their own."""
    return user.has_perm("analytics.view_deadletter")


def read_state(*, now: dt.datetime | None = None) -> State:
    now = now or timezone.now()
    state = State(beat_url=reverse("admin:django_celery_beat_periodictask_changelist"))
    state.failed = _read_failed(now)
    try:
        state.queues = _read_queues(now)
        state.beat_seconds = health.read_beat_age()
        state.tasks = _read_tasks()
    except (RedisError, OSError) as error:
        state.redis_error = type(error).__name__
        return state
    is_heard = state.beat_seconds is not None and state.beat_seconds <= health.BEAT_SILENT_SECONDS
    state.beat_level = GOOD if is_heard else BAD
    return state


def _read_queues(now: dt.datetime) -> list[QueueState]:
    pipeline = get_quick_redis().pipeline(transaction=False)
    for name in Queue:
        pipeline.llen(name)
    lengths = dict(zip(Queue, pipeline.execute(), strict=True))
    heard = heartbeats.read_ages()
    return [
        QueueState(str(name), lengths[name], heard.get(str(name)), read(now))
        for name, read in _WAITING.items()
    ]


def _read_stream(now: dt.datetime) -> Waiting:
    oldest_ms = stream.get_oldest_entry_ms()
    age = None if oldest_ms is None else max(0, round(now.timestamp() - oldest_ms / 1000))
    length: int = get_quick_redis().xlen(stream.STREAM)
    return Waiting(length, age, _address("analytics_event"))


def _read_dirty_days(now: dt.datetime) -> Waiting:
    return _count(DirtyDay.objects.all(), "marked_at", now, _address("analytics_dirtyday"))


def _read_outbox(channel: str) -> Callable[[dt.datetime], Waiting]:
    def read(now: dt.datetime) -> Waiting:
        due = Notification.objects.filter(channel=channel, status="queued", scheduled_for__lte=now)
        url = _address("notifications_notification", channel=channel, status__exact="queued")
        return _count(due, "scheduled_for", now, url)

    return read


def _read_conversions(now: dt.datetime) -> Waiting:
    due = ConversionJob.objects.filter(status=ConversionJob.Status.QUEUED, due_at__lte=now)
    return _count(due, "due_at", now, _address("conversion_conversionjob", status__exact="queued"))


def _read_generations(now: dt.datetime) -> Waiting:
    due = GenerationJob.objects.filter(status=GenerationJob.Status.QUEUED, due_at__lte=now)
    return _count(due, "due_at", now, _address("visuspace_generationjob", status__exact="queued"))


_WAITING: dict[Queue, Callable[[dt.datetime], Waiting]] = {
    Queue.ANALYTICS_EVENTS: _read_stream,
    Queue.ANALYTICS_DAILY: _read_dirty_days,
    Queue.NOTIFICATIONS_EMAIL: _read_outbox("email"),
    Queue.NOTIFICATIONS_SMS: _read_outbox("sms"),
    Queue.FILES_CONVERT: _read_conversions,
    Queue.AI_GENERATE: _read_generations,
}


def _read_failed(now: dt.datetime) -> list[Failed]:
    """What needs a person, with the filter that finds it."""
    recent = now - _RECENT
    letters = DeadLetter.objects.filter(replayed_at__isnull=True)
    messages = Notification.objects.filter(status="failed", scheduled_for__gte=recent)
    unknown = Notification.objects.filter(status="unknown")
    mails = OrganizerMail.objects.filter(status="failed", created_at__gte=recent)
    files = ConversionJob.objects.filter(status="failed", finished_at__gte=recent)
    outbox, organizers = "notifications_notification", "console_organizermail"
    return [
        Failed(_("Dead letters that wait"), _bounded(letters),
               _address("analytics_deadletter", replayed_at__isempty="1")),
        Failed(_("Messages that failed within 24 hours"), _bounded(messages),
               _address(outbox, status__exact="failed")),
        Failed(_("Messages that may or may not have arrived"), _bounded(unknown),
               _address(outbox, status__exact="unknown")),
        Failed(_("Mails to organizers that failed within 24 hours"), _bounded(mails),
               _address(organizers, status__exact="failed")),
        Failed(_("Files that failed within 24 hours"), _bounded(files),
               _address("conversion_conversionjob", status__exact="failed")),
    ]  # fmt: skip


def _read_tasks() -> list[TaskRuns]:
    totals = task_times.read_totals()
    return [
        TaskRuns(
            name, round(runs), round(totals["failures"].get(name, 0)),
            round(1000 * totals["seconds"].get(name, 0) / runs) if runs else 0,
        )
        for name, runs in sorted(totals["runs"].items())
    ]  # fmt: skip


def _count(rows: QuerySet[Any], time_field: str, now: dt.datetime, url: str) -> Waiting:
    first = rows.order_by(time_field).values_list(time_field, flat=True).first()
    age = None if first is None else max(0, round((now - first).total_seconds()))
    count = _bounded(rows)
    return Waiting(count, age, url, is_cut=count >= MOST)


def _bounded(rows: QuerySet[Any]) -> int:
    return len(rows.order_by().values_list("pk")[:MOST])


def _address(model: str, **filters: str) -> str:
    query = f"?{urlencode(filters)}" if filters else ""
    return reverse(f"admin:{model}_changelist") + query
