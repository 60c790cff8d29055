"""Long work in short slices: imports, decisions about thousands of rows, exports.

The row is the job. A slice does pieces of the work for some seconds. Each piece is one transaction that also
saves the progress, on condition that the lease is still ours. So a crash costs at most one piece, which is
repeated, and nothing is done twice. Then the slice hands on: it queues the job again and rings the queue, so
that other work gets its turn and no deployment waits for a job. `ring_waiting` rings again for lost messages.

    class ImportJob(SlicedJob): ...

    def step(job: ImportJob) -> bool:  # do one piece from job.position on; return whether it was the last
    run_slice(ImportJob, pk, step=step, ring=lambda pk: ring("imports.work", [[pk]], queue=...))
"""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any, TypeVar

import uuid_utils
from django.db import OperationalError, models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meeteasy.core.fields import KeyField
from meeteasy.core.jobs import LeasedModel, claim, finish, lease_expired, update_claimed
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

SLICE_SECONDS = 15.0
# A task of slices is killed after TIME_LIMIT_SECONDS, so a lease that ran out belonged to a dead worker.
TIME_LIMIT_SECONDS = 60
LEASE_SECONDS = 90
# A job is given up when its pieces fail, or its workers die, this often in a row.
MAX_FAILURES = 20
_RING_AGAIN = dt.timedelta(seconds=60)


def new_job_id() -> str:
    return uuid_utils.uuid7().hex


class SlicedJob(LeasedModel):
    """A job that is done in slices. `position` says where the next piece begins, in the job's own terms."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    id = KeyField(primary_key=True, max_length=32, default=new_job_id, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    total = models.PositiveIntegerField(_("total"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    position = KeyField(max_length=64, default="", blank=True, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    error = models.TextField(_("error"), default="", blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    rung_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        abstract = True

    # What a step may change besides `done`, `total` and `position`.
    STEP_FIELDS: tuple[str, ...] = ()

    @property
    def is_finished(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.CANCELLED, self.Status.FAILED)


Job = TypeVar("Job", bound=SlicedJob)


class _LeaseLostError(Exception):
    """Another worker has the job by now. The piece is rolled back."""


def run_slice(
    model: type[Job], pk: str, *, step: Callable[[Job], bool], ring: Callable[[str], Any]
) -> str | None:
    """Work on a job for SLICE_SECONDS, unless another worker does. Returns its status after that, or None.

    step: does the next piece in the caller's transaction, changes `done`, `position` and the model's
        STEP_FIELDS on the job, and returns whether that was the last piece.
    ring: puts a message for the job on its queue.
    """
    jobs = model._default_manager.all()
    token = claim(
        jobs.filter(status=SlicedJob.Status.QUEUED), pk=pk, lease_seconds=LEASE_SECONDS,
        status=SlicedJob.Status.RUNNING,
    )  # fmt: skip
    if token is None:
        return None
    job = jobs.get(pk=pk)
    stop_at = time.monotonic() + SLICE_SECONDS
    status, error, is_last = SlicedJob.Status.QUEUED, "", False
    failures = job.failures
    try:
        while True:
            if jobs.filter(pk=pk, cancel_requested=True).exists():
                status = SlicedJob.Status.CANCELLED
                break
            is_last = _do_piece(model, job, token, step)
            if is_last or time.monotonic() >= stop_at:
                break
    except _LeaseLostError:
        return None
    except OperationalError as failure:  # the database is busy or away: later
        failures += 1
        error = str(failure)
        log.warning("slice_interrupted", job=pk, error=error, failures=failures)
        status = SlicedJob.Status.FAILED if failures >= MAX_FAILURES else status
    except Exception as failure:
        status, error = SlicedJob.Status.FAILED, f"{type(failure).__name__}: {failure}"[:2000]
        log.exception("slice_failed", job=pk)
    else:
        status = SlicedJob.Status.DONE if is_last else status
        failures = 0
    now = timezone.now()
    over = status != SlicedJob.Status.QUEUED
    finish(
        jobs, pk=pk, token=token, status=status, error=error, failures=failures, rung_at=now,
        finished_at=now if over else None,
    )  # fmt: skip
    if not over and not error:
        ring(pk)
    return str(status)


def _do_piece(model: type[Job], job: Job, token: str, step: Callable[[Job], bool]) -> bool:
    with transaction.atomic():
        is_last = step(job)
        changes = {name: getattr(job, name) for name in ("done", "total", "position", *job.STEP_FIELDS)}
        if not update_claimed(model._default_manager.all(), pk=job.pk, token=token, **changes):
            raise _LeaseLostError
    return is_last


def request_cancel(model: type[Job], pk: str) -> Job:
    """Stop a job at its next piece. What was done stays done. A finished job does not change."""
    jobs = model._default_manager.filter(pk=pk)
    now = timezone.now()
    jobs.filter(status=SlicedJob.Status.QUEUED).update(
        status=SlicedJob.Status.CANCELLED, cancel_requested=True, finished_at=now
    )
    jobs.filter(status=SlicedJob.Status.RUNNING).update(cancel_requested=True)
    return jobs.get()


def ring_waiting(model: type[Job], *, ring: Callable[[str], Any], now: dt.datetime | None = None) -> int:
    """Queue the jobs of dead workers again, and ring for jobs whose message was lost. Returns how many."""
    now = now or timezone.now()
    jobs = model._default_manager.all()
    dead = jobs.filter(lease_expired(now), status=SlicedJob.Status.RUNNING)
    dead.filter(failures__gte=MAX_FAILURES).update(
        status=SlicedJob.Status.FAILED, lease_token="", lease_until=None, finished_at=now,
        error=f"given up: {MAX_FAILURES} workers died of it",
    )  # fmt: skip
    dead.update(
        status=SlicedJob.Status.QUEUED, lease_token="", lease_until=None, failures=F("failures") + 1,
        rung_at=now - _RING_AGAIN,
    )  # fmt: skip
    waiting = jobs.filter(status=SlicedJob.Status.QUEUED, rung_at__lte=now - _RING_AGAIN)
    found = list(waiting.order_by("created_at").values_list("pk", flat=True)[:100])
    jobs.filter(pk__in=found).update(rung_at=now)
    for pk in found:
        ring(pk)
    return len(found)
