"""Jobs that import or decide about many registrations. People start, watch and cancel them."""

import datetime as dt
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.models import Conference, Job, Registration
from conferences.selectors.registrations import find_registrations
from conferences.services.csv_files import read_csv
from conferences.services.importing import Import, ImportReport, LinePreview, problems_as_json
from conferences.services.registrations import decide
from conferences.states import Action
from meeteasy.core import slices
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import ring
from meeteasy.core.queues import Queue

TASK = "conferences.work_on_job"
_DECISIONS_AT_ONCE = 50
_REMEMBERED = dt.timedelta(days=30)
# How long the file of a preview waits for the decision to import it.
_PREVIEWED = dt.timedelta(hours=1)


def start_import(
    *, conference: Conference, content: bytes, dry_run: bool, by: User | None, keeps_file: bool = False
) -> Job:
    """Start the import of a CSV file (services/importing.py).

    keeps_file: a dry run keeps it for an hour, for `preview_import` and `import_previewed`. Raises
    ValidationError (`file`) for a file that is not readable as a whole.
    """
    total = len(read_csv(content).lines)
    arguments = {"dry_run": dry_run, **({"keeps_file": True} if keeps_file and dry_run else {})}
    return _start(
        conference=conference, kind=Job.Kind.IMPORT, arguments=arguments, content=content, total=total,
        created_by=by,
    )  # fmt: skip


def preview_import(job: Job, *, start: int, count: int) -> list[LinePreview]:
    """Return what a previewed import would do now with `count` lines; none once its file is deleted."""
    content = bytes(Job.objects.values_list("content", flat=True).get(pk=job.pk))
    if not content:
        return []
    work = Import(job.conference, read_csv(content), dry_run=True, start=start)
    return work.preview(count, now=timezone.now())


def import_previewed(job: Job, *, by: User | None) -> Job:
    """Start the import of a finished preview. Its file goes along, so that two clicks start one import.

    Raises RefusedError `expired` if the file is deleted.
    """
    with transaction.atomic():
        content = bytes(Job.objects.select_for_update().values_list("content", flat=True).get(pk=job.pk))
        if not content:
            raise RefusedError("expired", _("The file is deleted. Upload it again."), status=410)
        forget_preview(job)
        return start_import(conference=job.conference, content=content, dry_run=False, by=by)


def forget_preview(job: Job) -> None:
    """Delete the file of a preview."""
    Job.objects.filter(pk=job.pk).update(content=b"")


def forget_previews_of(conference: Conference) -> None:
    """Delete the files of all previews of a conference, because a person in them was erased."""
    Job.objects.filter(conference=conference, finished_at__isnull=False).exclude(content=b"").update(
        content=b""
    )


def start_decision(
    *,
    conference: Conference,
    action: Action,
    ids: list[str] | None = None,
    matching: dict[str, Any] | None = None,
    by: User | None,
) -> Job:
    """Start to approve, reject or cancel many registrations of a conference.

    The registrations are those with `ids`, or those that `find_registrations` finds with the arguments
    `matching`. Later registrations are not included.
    """
    arguments = {"action": str(action), "by": by and by.pk, "ids": ids, "matching": matching}
    job = Job(conference=conference, kind=Job.Kind.DECISION, arguments=arguments, created_by=by)
    job.total = _find_decided(job).count()
    return _save(job)


def cancel_job(job: Job) -> Job:
    """Stop a job before its next piece. It keeps what it has done."""
    job = slices.request_cancel(Job, job.pk)
    _clear(job)
    return job


def work_on_job(pk: str) -> None:
    """Run a slice of a job. This is the body of the Celery task."""
    work: Import | None = None

    def step(job: Job) -> bool:
        nonlocal work
        if job.kind == Job.Kind.DECISION:
            return _decide_piece(job)
        if work is None:
            file = read_csv(bytes(job.content))
            dry_run = job.arguments["dry_run"]
            work = Import(job.conference, file, dry_run=dry_run, start=int(job.position or 0))
        return _import_piece(job, work)

    if slices.run_slice(Job, pk, step=step, ring=_ring) is not None:
        _clear(Job.objects.defer("content").get(pk=pk))


def ring_waiting_jobs() -> int:
    """Requeue jobs whose message or worker was lost. Returns the number of jobs."""
    return slices.ring_waiting(Job, ring=_ring)


def forget_old_jobs(*, now: dt.datetime | None = None) -> int:
    """Delete jobs that ended 30 days ago, and files of old previews. Returns the number of deleted jobs."""
    now = now or timezone.now()
    Job.objects.filter(finished_at__lt=now - _PREVIEWED).exclude(content=b"").update(content=b"")
    return Job.objects.filter(finished_at__lt=now - _REMEMBERED).delete()[0]


def _start(**fields: Any) -> Job:
    return _save(Job(**fields))


def _save(job: Job) -> Job:
    job.save(force_insert=True)
    transaction.on_commit(lambda: _ring(job.pk), robust=True)
    return job


def _ring(pk: str) -> None:
    ring(TASK, [[pk]], queue=Queue.FILES_CONVERT)


def _clear(job: Job) -> None:
    """Delete the file as soon as it is no longer needed: it is full of personal data."""
    is_kept = job.arguments.get("keeps_file") and job.status == Job.Status.DONE
    if job.is_finished and job.kind == Job.Kind.IMPORT and not is_kept:
        Job.objects.filter(pk=job.pk).exclude(content=b"").update(content=b"")


def _import_piece(job: Job, work: Import) -> bool:
    report = ImportReport(dry_run=job.arguments["dry_run"])
    end = work.do_piece(int(job.position or 0), report, now=timezone.now())
    job.position = str(end)
    job.done = min(end, job.total)
    _add(job.counts, created=report.created, existing=report.existing)
    _note(job, "failed", job.errors, problems_as_json(report.errors))
    _note(job, "warnings", job.warnings, problems_as_json(report.warnings))
    return end >= job.total


def _find_decided(job: Job) -> Any:
    """Return the job's registrations in processing order."""
    found = Registration.objects.filter(conference=job.conference, registered_at__lte=job.created_at)
    matching = job.arguments["matching"]
    if job.arguments["ids"] is not None:
        return found.filter(id__in=job.arguments["ids"]).order_by("id")
    same = find_registrations(job.conference, **(matching or {})).prefetch_related(None)
    return same.filter(registered_at__lte=job.created_at).order_by("id")


def _decide_piece(job: Job) -> bool:
    """Decide about the next _DECISIONS_AT_ONCE, each separately: a refusal does not affect the others."""
    after = {"id__gt": job.position} if job.position else {}
    ids = list(_find_decided(job).filter(**after).values_list("id", flat=True)[:_DECISIONS_AT_ONCE])
    by = User.objects.filter(pk=job.arguments["by"]).first()
    errors = []
    decided = 0
    for registration_id in ids:
        try:
            decide(registration_id, Action(job.arguments["action"]), by=by)
            decided += 1
        except RefusedError as error:
            errors.append({"id": registration_id, "code": error.code, "message": error.message})
        except Registration.DoesNotExist:
            pass  # deleted meanwhile
        job.position = registration_id
    job.done += len(ids)
    _add(job.counts, decided=decided)
    _note(job, "failed", job.errors, errors)
    return len(ids) < _DECISIONS_AT_ONCE


def _add(counts: dict[str, int], **more: int) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number


def _note(job: Job, count: str, kept: list[Any], more: list[dict[str, Any]]) -> None:
    """Count problems and keep the first ones."""
    _add(job.counts, **{count: len(more)})
    kept.extend(more[: max(0, Job.MAX_ERRORS - len(kept))])
