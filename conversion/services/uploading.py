"""Taking a file in: store it, write the job, ring the queue."""

import hashlib
import unicodedata
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from conferences.models import Conference
from conversion import store
from conversion.models import ConversionJob
from conversion.selectors.conversions import measure_usage
from conversion.services.announcing import announce
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import ring
from meeteasy.core.queues import Queue
from meeteasy.core.slices import new_job_id

Status = ConversionJob.Status

TASK = "conversion.convert"
_PIECE = 1024 * 1024
_UNUSABLE = str.maketrans({character: "_" for character in '/\\:*?"<>|'})


def start_conversion(
    *,
    conference: Conference,
    file: IO[bytes],
    file_name: str,
    target: str,
    parameters: dict[str, Any],
    by: User | None,
) -> ConversionJob:
    """Store a file and queue its conversion. `parameters` must be valid for `target`.

    Raises RefusedError: `too_large` (413), `quota_exceeded` or `too_many_waiting` (409). The file is stored
    before the row is committed; if we die in between, the clean-up removes it.
    """
    digest, size = _measure(file)
    _check_size(size)
    _check_quota(conference, size)  # the decision is made below; this one spares the work
    job = ConversionJob(
        id=new_job_id(), conference=conference, file_name=clean_name(file_name), input_sha256=digest,
        input_bytes=size, target=target, parameters=parameters, created_by=by, rung_at=timezone.now(),
    )  # fmt: skip
    job.input_path = f"{conference.id}/inputs/{job.id}"
    store.put(job.input_path, file)
    try:
        with transaction.atomic():
            Conference.objects.select_for_update().get(pk=conference.pk)
            _check_quota(conference, size)
            job.save(force_insert=True)
            transaction.on_commit(lambda: _note_queued(job), robust=True)
    except BaseException:
        store.delete(job.input_path)
        raise
    return job


def _note_queued(job: ConversionJob) -> None:
    announce(job)  # before the worker announces that it is running
    ring(TASK, [[job.pk]], queue=Queue.FILES_CONVERT)


def _measure(file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _check_size(size: int) -> None:
    if size > settings.CONVERT_MAX_INPUT_BYTES:
        most = settings.CONVERT_MAX_INPUT_BYTES
        raise RefusedError("too_large", f"The file has more than {most} bytes.", status=413, max_bytes=most)


def _check_quota(conference: Conference, size: int) -> None:
    """Check the conference's room and its waiting jobs, so that it cannot fill the disk or the queue."""
    jobs = ConversionJob.objects.filter(conference=conference)
    waiting = jobs.filter(status__in=[Status.QUEUED, Status.RUNNING])
    if waiting.count() >= settings.CONVERT_MAX_WAITING:
        raise RefusedError(
            "too_many_waiting", "Too many files of this conference are waiting. Wait for some to be done.",
            max_waiting=settings.CONVERT_MAX_WAITING,
        )  # fmt: skip
    used = measure_usage(conference)
    if used + size > settings.CONVERT_QUOTA_BYTES:
        raise RefusedError(
            "quota_exceeded", "The files of this conference use up its space. Delete some.",
            used_bytes=used, quota_bytes=settings.CONVERT_QUOTA_BYTES,
        )  # fmt: skip


def clean_name(name: str) -> str:
    """Return a file name that is safe to show and save: one line, no folders, no hidden direction marks."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = "".join(
        character
        for character in name
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    kept = kept.translate(_UNUSABLE).strip(" .") or "file"
    if len(kept) > 200:  # keep the extension
        stem, dot, extension = kept.rpartition(".")
        kept = f"{stem[: 199 - len(extension)]}.{extension}" if dot and len(extension) < 20 else kept[:200]
    return kept
