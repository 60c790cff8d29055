"""Working on one conversion: claim, look at the file, run the converters, store, mark.

queued ──claim──▶ running ──▶ done
   ▲                 ├─ the file's fault ─▶ failed, with a code
   │                 ├─ the store is away, or another worker removes the same result: later
   └── lease expired ┴─ the worker died
"""

import datetime as dt
import hashlib
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.db.models import Q
from django.utils import timezone

from conversion import store
from conversion.converters import Converter, find_chain
from conversion.converters._base import read_parameters
from conversion.inspecting.detecting import Inspection, inspect
from conversion.models import ConversionJob
from conversion.problems import ConversionError, Problem
from conversion.sandbox import running
from conversion.services.announcing import announce
from meeteasy.core.jobs import backoff_seconds, claim, finish, update_claimed
from meeteasy.core.logs import get_logger

log = get_logger(__name__)
Status = ConversionJob.Status

MAX_FAILURES = 5
MAX_KILLS = 3
# How often the lease is renewed, and how often progress is written, which renews it too.
_RENEW_SECONDS = 5.0
_PROGRESS_SECONDS = 1.0
# A result that is being removed is gone after this.
_REMOVING_SECONDS = 5.0


class _LeaseLostError(Exception):
    """Another worker has the job by now, or a person removed it."""


class _LaterError(Exception):
    """The job cannot be done now. Not the file's fault."""

    def __init__(self, reason: str, *, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True)
class _Step:
    converter: Converter
    parameters: Any
    path: str


def convert(job_id: str) -> str | None:
    """Work on a due conversion, unless another worker does. Returns its new status, or None.

    It is safe to call this at any time and any number of times.
    """
    now = timezone.now()
    token = claim(
        ConversionJob.objects.filter(status=Status.QUEUED, due_at__lte=now), pk=job_id,
        lease_seconds=settings.CONVERT_LEASE_SECONDS, now=now,
        status=Status.RUNNING, started_at=now, finished_at=None, error_code="", error_details={},
        pages_done=0, pages_total=0, seconds={},
    )  # fmt: skip
    if token is None:
        return None
    return _Conversion(ConversionJob.objects.get(pk=job_id), token).run()


class _Conversion:
    """One claimed job."""

    def __init__(self, job: ConversionJob, token: str) -> None:
        self.job, self.token = job, token
        self._renewed_at = self._shown_at = time.monotonic()
        self._seconds: dict[str, float] = {}

    def run(self) -> str | None:
        announce(self.job)
        try:
            facts = self._convert()
        except _LeaseLostError:
            return None
        except ConversionError as error:
            # Not the file's fault, or not proven: the kernel kills what is largest when memory is short.
            if error.code == Problem.KILLED and self.job.failures + 1 < MAX_KILLS:
                return self._put_back(error)
            return self._mark_failed(error)
        except (_LaterError, OSError, DatabaseError) as error:
            return self._put_back(error)
        except Exception as error:
            if _is_of_storage(error):
                return self._put_back(error)
            log.exception("conversion_failed", job=self.job.pk)
            return self._mark_failed(ConversionError(Problem.INTERNAL_ERROR))
        return self._mark_done(facts)

    def _convert(self) -> dict[str, Any]:
        job = self.job
        try:
            source = store.open_file(job.input_path)
        except FileNotFoundError:
            raise ConversionError(Problem.INPUT_LOST) from None
        with source:
            inspection = inspect(source, job.file_name)
            steps = self._plan(inspection)
            self._note_plan(inspection, steps)
            if (facts := self._find_result(steps[-1].path)) is not None:
                return facts
            return self._run_steps(steps, source, inspection)

    def _plan(self, inspection: Inspection) -> list[_Step]:
        """Return the steps with the paths of their results, which depend on all that could change these."""
        job = self.job
        names = [job.input_sha256]
        steps = []
        chain = find_chain(inspection.kind, job.target)
        for converter in chain:
            given = job.parameters if converter is chain[-1] else {}
            parameters = read_parameters(converter.target, given)
            names += [converter.target, converter.full_version(), msgspec.json.encode(parameters).decode()]
            digest = hashlib.sha256(msgspec.json.encode(names)).hexdigest()[:40]
            extension, _ = converter.output_type(parameters)
            steps.append(_Step(converter, parameters, f"{job.conference_id}/outputs/{digest}.{extension}"))
        return steps

    def _note_plan(self, inspection: Inspection, steps: list[_Step]) -> None:
        """Name our results before looking for them: whoever removes a result looks for jobs that name it, and
        we look for jobs that are being removed. So one of us sees the other."""
        paths = [step.path for step in steps]
        # What an earlier attempt reported is about another result when a converter has changed since.
        facts = self.job.facts if self.job.output_path == paths[-1] else {}
        between = paths[0] if len(paths) > 1 else ""
        self._update(kind=inspection.kind, output_path=paths[-1], between_path=between, facts=facts)
        same = Q(output_path__in=paths) | Q(between_path__in=paths)
        if ConversionJob.objects.filter(same, status=Status.REMOVING).exclude(pk=self.job.pk).exists():
            raise _LaterError("the same result is being removed", seconds=_REMOVING_SECONDS)

    def _find_result(self, path: str) -> dict[str, Any] | None:
        """Return the facts of a result that exists. They were committed before it was stored."""
        if not store.exists(path):
            return None
        known = ConversionJob.objects.filter(output_path=path).exclude(facts={}).first()
        if known is None:
            return None
        self._update(facts=known.facts, output_bytes=known.output_bytes)
        return dict(known.facts)

    def _run_steps(self, steps: list[_Step], source: BinaryIO, inspection: Inspection) -> dict[str, Any]:
        """Make the result of each step, unless it exists; return the facts of the last."""
        facts: dict[str, Any] = {}
        with ExitStack() as opened:
            for step in steps:
                is_last = step is steps[-1]
                if not is_last and store.exists(step.path):
                    output = opened.enter_context(store.open_file(step.path))
                else:
                    output = opened.enter_context(store.make_temporary())
                    facts = self._run_step(step, source, output, inspection)
                    if is_last:
                        self._update(facts=facts, output_bytes=_size(output))
                    store.put(step.path, output)
                source, inspection = output, Inspection(step.converter.makes)
        return facts

    def _run_step(
        self, step: _Step, source: BinaryIO, output: BinaryIO, inspection: Inspection
    ) -> dict[str, Any]:
        program = step.converter.prepare(step.parameters, inspection)
        started = time.monotonic()
        try:
            return running.run(
                program, source=source, output=output, keep_alive=self._keep_alive, show_progress=self._show
            )
        finally:
            self._seconds[step.converter.target] = round(time.monotonic() - started, 2)

    # --- The lease, and what others see of us ------------------------------------------------------------

    def _keep_alive(self) -> None:
        """Renew the lease. A database that is away for less than the lease does not end the conversion."""
        idle = time.monotonic() - self._renewed_at
        if idle < _RENEW_SECONDS:
            return
        try:
            self._update()
        except OperationalError:
            if idle > settings.CONVERT_LEASE_SECONDS - _RENEW_SECONDS:
                raise

    def _show(self, done: int, total: int) -> None:
        if time.monotonic() - self._shown_at >= _PROGRESS_SECONDS and done != self.job.pages_done:
            self._shown_at = time.monotonic()
            self._update(pages_done=done, pages_total=total)
            announce(self.job)

    def _update(self, **changes: Any) -> None:
        """Write to the row and renew the lease. Raises _LeaseLostError."""
        now = timezone.now()
        until = now + dt.timedelta(seconds=settings.CONVERT_LEASE_SECONDS)
        jobs = ConversionJob.objects.filter(status=Status.RUNNING)
        if not update_claimed(jobs, pk=self.job.pk, token=self.token, lease_until=until, **changes):
            raise _LeaseLostError
        self._renewed_at = time.monotonic()
        for name, value in changes.items():
            setattr(self.job, name, value)

    # --- The end -----------------------------------------------------------------------------------------

    def _mark_done(self, facts: dict[str, Any]) -> str | None:
        pages = int(facts.get("pages", 0))
        status = self._finish(
            Status.DONE, finished_at=timezone.now(), seconds=self._seconds, failures=0,
            pages_done=pages, pages_total=pages,
        )  # fmt: skip
        if status:
            log.info(
                "converted", job=self.job.pk, kind=self.job.kind, target=self.job.target, **self._seconds
            )
        return status

    def _mark_failed(self, error: ConversionError) -> str | None:
        log.info("conversion_refused", job=self.job.pk, code=str(error.code), **_loggable(error.details))
        return self._finish(
            Status.FAILED, finished_at=timezone.now(), seconds=self._seconds,
            error_code=str(error.code), error_details=error.details,
        )  # fmt: skip

    def _put_back(self, error: Exception) -> str | None:
        """Requeue the job. After several failures in a row it is given up."""
        seconds = error.seconds if isinstance(error, _LaterError) else None
        failures = self.job.failures + (seconds is None)
        if failures >= MAX_FAILURES:
            return self._mark_failed(ConversionError(Problem.STORAGE_UNAVAILABLE))
        log.warning("conversion_put_back", job=self.job.pk, error=f"{type(error).__name__}: {error}"[:300])
        wait = backoff_seconds(failures, first=5, most=300) if seconds is None else seconds
        return self._finish(
            Status.QUEUED, due_at=timezone.now() + dt.timedelta(seconds=wait), rung_at=None,
            failures=failures, attempts=self.job.attempts - 1,
        )  # fmt: skip

    def _finish(self, status: Status, **changes: Any) -> str | None:
        jobs = ConversionJob.objects.filter(status=Status.RUNNING)
        if not finish(jobs, pk=self.job.pk, token=self.token, status=status, **changes):
            return None
        for name, value in {"status": status, **changes}.items():
            setattr(self.job, name, value)
        announce(self.job)
        return str(status)


def _size(file: BinaryIO) -> int:
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    return size


def _is_of_storage(error: Exception) -> bool:
    """Whether an S3 client raised it. Its classes cannot be imported where it is not installed."""
    return type(error).__module__.partition(".")[0] in ("botocore", "boto3", "s3transfer", "urllib3")


def _loggable(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in ("event", "job", "code")}
