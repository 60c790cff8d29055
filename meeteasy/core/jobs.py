"""Claims with a lease: a row stands for a job, and one worker at a time works on it.

The database row is the truth of a job; the message on the queue is only a hint. A worker claims a job with
one conditional UPDATE that also writes a fresh token and an expiry time. It can write the outcome only while
that token is still there. So a redelivered message finds the job taken and does nothing, and a worker that
slept through its lease cannot overwrite newer results. No row locks are needed, so every database will do.

    class Job(LeasedModel):
        status = CharField(...)

    token = claim(Job.objects.filter(status="queued"), pk=pk, lease_seconds=150, status="running")
    if token is None:
        return  # another worker has it, or there is nothing to do
    ...
    finish(Job.objects.all(), pk=pk, token=token, status="done")

The lease must be longer than the task's hard time limit, so that an expired lease means a dead worker.
"""

import datetime as dt
import random
import secrets
from collections.abc import Iterable
from typing import Any

import redis
from celery import current_app
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue, queue_of
from meeteasy.core.redis import is_hanging, note_hang

log = get_logger(__name__)

# Of all kinds of jobs.
LONGEST_LEASE = dt.timedelta(hours=1)


class LeasedModel(models.Model):
    """The columns that claims need. A subclass has its own status column beside them."""

    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    lease_token = models.CharField(max_length=32, default="", blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True


def claim(
    jobs: QuerySet[Any], *, pk: Any, lease_seconds: float, now: dt.datetime | None = None, **changes: Any
) -> str | None:
    """Claim the job `pk` if it is in `jobs`, the queryset of jobs that may be claimed.

    `changes`, usually the status, are written with the claim. They must take the job out of `jobs`;
    otherwise the next worker could claim it too. Returns the token of the lease, or None.
    """
    now = now or timezone.now()
    token = secrets.token_hex(16)
    taken = jobs.filter(pk=pk).update(
        lease_token=token,
        lease_until=now + dt.timedelta(seconds=lease_seconds),
        attempts=F("attempts") + 1,
        **changes,
    )
    return token if taken == 1 else None


def update_claimed(jobs: QuerySet[Any], *, pk: Any, token: str, **changes: Any) -> bool:
    """Write `changes` if the lease is still ours. Returns whether it was."""
    return jobs.filter(pk=pk, lease_token=token).update(**changes) == 1


def finish(jobs: QuerySet[Any], *, pk: Any, token: str, **changes: Any) -> bool:
    """Write the outcome and release the lease, if it is still ours. Returns whether it was."""
    return update_claimed(jobs, pk=pk, token=token, lease_token="", lease_until=None, **changes)


def lease_expired(now: dt.datetime) -> Q:
    """The condition for jobs whose worker died: their lease has expired."""
    return ~Q(lease_token="") & lease_over(now)


def lease_over(now: dt.datetime) -> Q:
    """The condition that a lease has ended, or ends later than any can: then the clock was set back since,
    and a dead worker's job would wait for the former time."""
    return Q(lease_until__lt=now) | Q(lease_until__gt=now + LONGEST_LEASE)


def ring(task_name: str, arguments: Iterable[list[Any]], *, queue: Queue) -> int:
    """Put one message per list of arguments on the queue. Returns how many messages the broker accepted.

    An unreachable broker is not an error: the rows are committed, and the sweep rings again.
    """
    sent = 0
    if is_hanging():
        log.warning("jobs.broker_away", task=task_name, error="It did not answer a moment ago.")
        return sent
    try:
        for args in arguments:
            current_app.send_task(task_name, args=args, queue=str(queue), retry=False)
            sent += 1
    except OperationalError as error:
        if isinstance(error.__cause__, redis.TimeoutError):
            note_hang()
        log.warning("jobs.broker_away", task=task_name, error=str(error))
    return sent


def wake(task: Any) -> None:
    """Let a task run now that a tick would send later. While the broker is away, the tick does it."""
    queue = queue_of(task.name)
    assert queue is not None
    ring(task.name, [[]], queue=Queue(queue))


def backoff_seconds(attempt: int, *, first: float = 30, most: float = 3600) -> float:
    """How long to wait after failure number `attempt`, counted from 1. It doubles, with jitter of ±50 %.

    The jitter spreads the retries of jobs that failed together, for example while a provider was down.
    """
    return min(most, first * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311  no secret
