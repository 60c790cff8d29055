"""Removing conversions with their files, trying failed ones again, and finding what nobody owns."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from conversion import store
from conversion.models import ConversionJob
from conversion.services.announcing import announce
from conversion.services.uploading import TASK
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import ring
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)
Status = ConversionJob.Status

_AT_ONCE = 500
# A file without a row may belong to an upload or a conversion that is under way.
_ORPHAN_AFTER = dt.timedelta(hours=1)


def retry(job_id: Any) -> ConversionJob:
    """Queue a failed conversion again. Raises RefusedError in any other state."""
    now = timezone.now()
    changed = ConversionJob.objects.filter(pk=job_id, status=Status.FAILED).update(
        status=Status.QUEUED, attempts=0, failures=0, due_at=now, rung_at=now, finished_at=None,
        error_code="", error_details={},
    )  # fmt: skip
    job = ConversionJob.objects.get(pk=job_id)
    if not changed:
        raise RefusedError("wrong_status", f"The conversion is {job.status}, not failed.")
    ring(TASK, [[job.pk]], queue=Queue.FILES_CONVERT)
    announce(job)
    return job


def redo_lost(job: ConversionJob) -> None:
    """Queue a conversion again whose result has vanished from the store."""
    now = timezone.now()
    if ConversionJob.objects.filter(pk=job.pk, status=Status.DONE).update(
        status=Status.QUEUED, attempts=0, due_at=now, rung_at=now, finished_at=None
    ):
        log.warning("conversion_result_lost", job=job.pk)
        ring(TASK, [[job.pk]], queue=Queue.FILES_CONVERT)


def remove(job_id: Any) -> None:
    """Delete a conversion and its files, in any state: a worker that is at it stops within seconds.

    The row names its files until they are gone, so a crash in between leaves a row that the clean-up
    finishes. A result that other jobs name stays.
    """
    ConversionJob.objects.filter(pk=job_id).update(status=Status.REMOVING, lease_token="", lease_until=None)
    job = ConversionJob.objects.filter(pk=job_id).first()
    if job is None:
        return
    # See _note_plan in converting.py: it names its paths before it looks for jobs in this state.
    for path in filter(None, (job.output_path, job.between_path)):
        others = ConversionJob.objects.filter(Q(output_path=path) | Q(between_path=path))
        if not others.exclude(status=Status.REMOVING).exists():
            store.delete(path)
    store.delete(job.input_path)
    job.delete()


def clean_up(*, now: dt.datetime | None = None) -> dict[str, int]:
    """Remove expired conversions, and files without a row. Returns how many of each."""
    now = now or timezone.now()
    before = now - dt.timedelta(days=settings.CONVERT_KEEP_DAYS)
    expired = ConversionJob.objects.filter(
        Q(status__in=[Status.DONE, Status.FAILED], finished_at__lt=before) | Q(status=Status.REMOVING)
    )
    ids = list(expired.order_by("id").values_list("pk", flat=True)[:_AT_ONCE])
    for job_id in ids:
        remove(job_id)
    orphans = _remove_orphans(now)
    if ids or orphans:
        log.info("conversions_cleaned_up", expired=len(ids), orphans=orphans)
    return {"expired": len(ids), "orphans": orphans}


def _remove_orphans(now: dt.datetime) -> int:
    """Remove files that no row names: of deleted conferences, of uploads that died before their commit."""
    removed, batch = 0, []
    for path in store.walk():
        batch.append(path)
        if len(batch) == _AT_ONCE:
            removed += _remove_unnamed(batch, now)
            batch = []
    return removed + _remove_unnamed(batch, now)


def _remove_unnamed(paths: list[str], now: dt.datetime) -> int:
    named: set[str] = set()
    for field in ("input_path", "output_path", "between_path"):
        found = ConversionJob.objects.filter(**{f"{field}__in": paths})
        named.update(found.values_list(field, flat=True))
    removed = 0
    for path in paths:
        if path in named:
            continue
        try:
            if store.modified_at(path) < now - _ORPHAN_AFTER:
                store.delete(path)
                removed += 1
        except FileNotFoundError:
            continue
    return removed
