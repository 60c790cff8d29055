"""Exports: few rows are answered at once, more are written to a file by a job in slices.

A piece of a job appends rows to the file and saves, in one transaction, the cursor and how many bytes are
certain. A crash leaves bytes behind that are not; the next piece begins by cutting them off.
"""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from conferences.exports import EXPORTS, Export
from conferences.models import Conference, ExportJob
from meeteasy.core import slices
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import ring
from meeteasy.core.queues import Queue
from meeteasy.core.spreadsheets import csv_lines

TASK = "conferences.work_on_export"
# More rows than this are a job.
ROWS_AT_ONCE = 50_000
FORMATS_OF_JOBS = ("csv", "jsonl")
_PAGES_IN_PIECE = 10
_KEPT = dt.timedelta(hours=24)
_REMEMBERED = dt.timedelta(days=30)


def check_size(export: Export, conference: Conference, parameters: Any) -> None:
    """Raises RefusedError `too_many_rows` if there are more than can be answered at once."""
    if export.find(conference, parameters)[: ROWS_AT_ONCE + 1].count() > ROWS_AT_ONCE:
        raise RefusedError(
            "too_many_rows",
            f"More than {ROWS_AT_ONCE} rows are exported by a job.",
            status=422,
            export=export.name,
            limit=ROWS_AT_ONCE,
            start=f"/api/conferences/{conference.id}/exports",
        )


def start_export(
    *, conference: Conference, export: str, format: str, parameters: Mapping[str, Any], by: User | None
) -> ExportJob:
    """Start to write an export to a file. Raises ValidationError that names the bad field."""
    found = EXPORTS[export]
    if format not in found.formats or format not in FORMATS_OF_JOBS:
        wanted = ", ".join(name for name in found.formats if name in FORMATS_OF_JOBS)
        raise ValidationError({"format": f"A job writes this export as {wanted}."})
    read = found.read_parameters(parameters)
    job = ExportJob(
        conference=conference, export=export, format=format, role=found.role.value,
        parameters=msgspec.to_builtins(read), total=found.find(conference, read).count(), created_by=by,
    )  # fmt: skip
    job.save(force_insert=True)
    transaction.on_commit(lambda: _ring(job.pk), robust=True)
    return job


def work_on_export(pk: str) -> None:
    """Run a slice of an export. This is the body of the Celery task."""
    status = slices.run_slice(ExportJob, pk, step=_write_piece, ring=_ring)
    if status in (ExportJob.Status.CANCELLED, ExportJob.Status.FAILED):
        _delete_file(pk)


def cancel_export(job: ExportJob) -> ExportJob:
    """Stop an export; its file is deleted. A finished one does not change."""
    job = slices.request_cancel(ExportJob, job.pk)
    if job.status == ExportJob.Status.CANCELLED:
        _delete_file(job.pk)
    return job


def open_result(job: ExportJob) -> IO[bytes]:
    """The finished file. Raises RefusedError `not_finished` or `expired`."""
    if job.status != ExportJob.Status.DONE:
        raise RefusedError("not_finished", "This export is not finished.", status=409, state=job.status)
    try:
        if job.is_deleted:
            raise FileNotFoundError
        return _path(job.pk).open("rb")
    except FileNotFoundError:
        raise RefusedError("expired", "The file is deleted. Start the export again.", status=410) from None


def delete_results(conference_id: str) -> None:
    """Delete the files of a conference, and stop its exports: a person in them was erased."""
    for job in ExportJob.objects.filter(conference_id=conference_id, is_deleted=False):
        if job.is_finished:
            _delete_file(job.pk)
        else:
            cancel_export(job)


def ring_waiting_exports() -> int:
    """Requeue exports whose message or worker was lost. Returns their number."""
    return slices.ring_waiting(ExportJob, ring=_ring)


def forget_old_exports(*, now: dt.datetime | None = None) -> None:
    """Delete files after a day, and what is known of their exports after 30."""
    now = now or timezone.now()
    for pk in ExportJob.objects.filter(finished_at__lt=now - _KEPT, is_deleted=False).values_list(
        "pk", flat=True
    ):
        _delete_file(pk)
    ExportJob.objects.filter(finished_at__lt=now - _REMEMBERED).delete()


def _write_piece(job: ExportJob) -> bool:
    export = EXPORTS[job.export]
    parameters = export.read_parameters(job.parameters)
    found = export.find(job.conference, parameters)
    path = _path(job.pk)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    following: str | None = job.cursor
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.truncate(job.size)
        file.seek(job.size)
        for _ in range(_PAGES_IN_PIECE):
            rows, things, following = export.read(found, job.cursor, parameters)
            if job.format == "jsonl":
                file.writelines(rows)
            else:
                lines = csv_lines(export.columns(), rows, codes=export.codes, heading=file.tell() == 0)
                file.write("".join(lines).encode())
            job.done += things
            job.cursor = following or ""
            if following is None:
                break
        file.flush()
        os.fsync(file.fileno())  # before the database says that they are certain
        job.size = file.tell()
    return following is None


def _path(pk: str) -> Path:
    return Path(settings.DATA_DIR) / "exports" / pk


def _delete_file(pk: str) -> None:
    _path(pk).unlink(missing_ok=True)
    ExportJob.objects.filter(pk=pk).update(is_deleted=True)


def _ring(pk: str) -> None:
    ring(TASK, [[pk]], queue=Queue.FILES_CONVERT)
