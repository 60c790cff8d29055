"""Claims with a lease: how a row that stands for a job is worked on by one worker at a time.

The database row is the truth of a job, the message on the queue only a hint. A worker takes a job by one
conditional UPDATE that also writes a fresh token and an expiry time; the outcome is written under the
condition that the token is still there. So a redelivered message finds the job taken and goes away, and a
worker that slept through its lease cannot overwrite what happened since. Portable: no row locks needed.

    class Job(LeasedModel):
        status = CharField(...)

    token = claim(Job.objects.filter(status="queued"), pk=pk, lease_seconds=150, status="running")
    if token is None:
        return  # somebody else has it, or there is nothing to do
    ...
    finish(Job.objects.all(), pk=pk, token=token, status="done")

The lease must be longer than the task's hard time limit: then an expired lease means a dead worker.
"""

import datetime as dt
import random
import secrets
from collections.abc import Iterable
from typing import Any

from celery import current_app
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)


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
    """Take the job `pk` if it is among `jobs`: the queryset says which ones may be taken.

    `changes` are written with the claim, usually the status; without one that takes the job out of `jobs`
    the next worker could claim it too. Returns the token of the lease, or None.
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
    """Write the outcome and give the lease back, if it is still ours. Returns whether it was."""
    return update_claimed(jobs, pk=pk, token=token, lease_token="", lease_until=None, **changes)


def lease_expired(now: dt.datetime) -> Q:
    """The condition for jobs whose worker died: a lease, and its time is over."""
    return ~Q(lease_token="") & Q(lease_until__lt=now)


def ring(task_name: str, arguments: Iterable[list[Any]], *, queue: Queue) -> int:
    """Put one message per list of arguments on the queue. Returns how many got there.

    A broker that is away is no error: the rows are committed, and the sweeper rings again.
    """
    sent = 0
    try:
        for args in arguments:
            current_app.send_task(task_name, args=args, queue=str(queue), retry=False)
            sent += 1
    except OperationalError as error:
        log.warning("jobs.broker_away", task=task_name, error=str(error))
    return sent


def backoff_seconds(attempt: int, *, first: float = 30, most: float = 3600) -> float:
    """How long to wait after the `attempt`-th failure (from 1): doubling, with jitter of half either way.

    The jitter keeps jobs that failed together, say while a provider was down, from coming back together.
    """
    return min(most, first * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311  no secret
