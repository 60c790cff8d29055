"""Every few seconds: requeue the jobs of dead workers, and ring for those whose message was lost."""

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from conversion.models import ConversionJob
from conversion.problems import Problem
from conversion.sandbox.unsandboxed import remove_abandoned_folders
from conversion.services.announcing import announce
from conversion.services.uploading import TASK
from meeteasy.core.jobs import lease_expired, ring
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)
Status = ConversionJob.Status

# A file that kills its worker this often is given up.
MAX_ATTEMPTS = 3
# A message counts as lost if no worker takes it within this time. Ringing twice does no harm.
_RING_AGAIN = dt.timedelta(seconds=60)
_AT_ONCE = 200


def sweep() -> None:
    now = timezone.now()
    _take_back(now)
    ring_due(now)
    remove_abandoned_folders()


def _take_back(now: dt.datetime) -> None:
    """Requeue jobs with expired leases. A living worker renews its lease, so theirs are dead."""
    abandoned = ConversionJob.objects.filter(lease_expired(now), status=Status.RUNNING)
    for job in abandoned.order_by("lease_until")[:_AT_ONCE]:
        is_given_up = job.attempts >= MAX_ATTEMPTS
        changes = (
            {"status": Status.FAILED, "error_code": str(Problem.WORKER_LOST), "finished_at": now}
            if is_given_up
            else {"status": Status.QUEUED, "due_at": now, "rung_at": None}
        )
        same = abandoned.filter(pk=job.pk, lease_token=job.lease_token)
        if same.update(lease_token="", lease_until=None, **changes):
            log.warning("conversion_abandoned", job=job.pk, attempts=job.attempts, given_up=is_given_up)
            announce(ConversionJob.objects.get(pk=job.pk))


def ring_due(now: dt.datetime) -> int:
    waiting = Q(rung_at=None) | Q(rung_at__lt=now - _RING_AGAIN)
    due = ConversionJob.objects.filter(waiting, status=Status.QUEUED, due_at__lte=now)
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:_AT_ONCE])
    if not ids:
        return 0
    # Written before ringing: it must not overwrite a fast worker's result (rung_at = None for later).
    ConversionJob.objects.filter(pk__in=ids, status=Status.QUEUED).update(rung_at=now)
    return ring(TASK, ([pk] for pk in ids), queue=Queue.FILES_CONVERT)
