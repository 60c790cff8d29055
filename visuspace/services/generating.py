"""Generation jobs: asking for a text, and the worker's part.

A job's row is the truth, its message only a hint. Between the provider's answer and our commit a worker may
die; the answer is then lost and paid for. `called_at` records that, and _MAX_ATTEMPTS bounds it.
"""

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Case, Max, Q, When, Window
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.models import Conference
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import backoff_seconds, claim, finish, lease_expired, ring, update_claimed
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue
from visuspace.blocks import write_blocks
from visuspace.brief import make_brief
from visuspace.models import GenerationJob, Page, Revision
from visuspace.prose import assemble
from visuspace.providers import PROMPT_VERSION, PROVIDERS, ProviderError, Written
from visuspace.selectors.generations import measure_use
from visuspace.services.pages import add_revision, lock_page
from visuspace.signals import generation_changed

log = get_logger(__name__)

TASK = "visuspace.generate"
MAX_PROMPT = 4000
# The task's hard limit. The lease (settings.GENERATION_LEASE_SECONDS) outlasts it.
TIME_LIMIT_SECONDS = 240
_MAX_ATTEMPTS = 3
_RING_AGAIN = dt.timedelta(seconds=60)
_AT_ONCE = 100

Status = GenerationJob.Status


def request_generation(
    page: Page, *, prompt: str, again: bool, by: User | None, now: dt.datetime | None = None
) -> GenerationJob:
    """Ask for a text. Returns the job that exists if the same was asked before, unless `again`.

    Raises RefusedError `generation_cap` or `cost_cap` when the conference's generations or money of the day
    are used up.
    """
    now = now or timezone.now()
    provider, model = settings.PAGE_PROVIDER, PROVIDERS[settings.PAGE_PROVIDER].model
    last = _find_last(page, prompt=prompt, provider=provider, model=model)
    if last is not None and last.status != Status.FAILED and (not again or not last.is_finished):
        return last
    generation = last.newest + 1 if last is not None else 1  # type: ignore[attr-defined]  # annotated
    key = _make_key(page, prompt, provider, model, generation)
    try:
        with transaction.atomic():
            # Two requests at once must not both be the last one of the day.
            conference = Conference.objects.select_for_update().get(pk=page.conference_id)
            _check_caps(conference, now=now)
            job = GenerationJob.objects.create(
                page=page, key=key, prompt=prompt, provider=provider, model=model, generation=generation,
                due_at=now, created_by=by,
            )  # fmt: skip
            transaction.on_commit(lambda: _note_queued(job), robust=True)
    except IntegrityError:  # the same request at the same moment
        return GenerationJob.objects.get(key=key)
    return job


def _find_last(page: Page, *, prompt: str, provider: str, model: str) -> GenerationJob | None:
    """Return the newest job of a request that did not fail, or else the newest, in one query.

    Its `newest` is the highest generation number of the request.
    """
    known = page.jobs.filter(prompt=prompt, provider=provider, model=model)
    by_outcome = Case(When(status=Status.FAILED, then=1), default=0)
    return known.annotate(newest=Window(Max("generation"))).order_by(by_outcome, "-generation").first()


def _make_key(page: Page, prompt: str, provider: str, model: str, generation: int) -> str:
    parts = (page.pk, prompt, provider, model, str(PROMPT_VERSION), str(generation))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _check_caps(conference: Conference, *, now: dt.datetime) -> None:
    used = measure_use(conference, now=now)
    if used.generations >= settings.GENERATIONS_PER_DAY:
        message = _("This conference has used its %(cap)s generations of today.")
        raise RefusedError(
            "generation_cap", message % {"cap": settings.GENERATIONS_PER_DAY}, status=429
        )  # fmt: skip
    if settings.AI_COST_PER_DAY and used.cost >= settings.AI_COST_PER_DAY:
        message = _("This conference has spent its %(cap)s for generated texts of today.")
        raise RefusedError("cost_cap", message % {"cap": settings.AI_COST_PER_DAY}, status=429)


def generate(pk: str, *, now: dt.datetime | None = None) -> None:
    """Work on a job. This is the body of the Celery task; a job that is taken or done is left alone."""
    now = now or timezone.now()
    may_start = GenerationJob.objects.filter(Q(status=Status.QUEUED, due_at__lte=now) | _is_abandoned(now))
    token = claim(
        may_start, pk=pk, lease_seconds=settings.GENERATION_LEASE_SECONDS, now=now, status=Status.RUNNING
    )
    if token is None:
        return
    job = GenerationJob.objects.select_related("page__conference", "created_by").get(pk=pk)
    if job.attempts > _MAX_ATTEMPTS:
        _fail(job, token, "too_many_attempts", _("The job was started too often without an outcome."))
        return
    if not update_claimed(GenerationJob.objects.all(), pk=pk, token=token, called_at=now):
        return
    _announce(pk)
    brief = make_brief(job.page.conference, language=job.page.language, prompt=job.prompt)
    try:
        written = PROVIDERS[job.provider].write(brief, deadline_seconds=settings.AI_DEADLINE_SECONDS)
    except ProviderError as error:
        _note_failure(job, token, error)
        return
    blocks = write_blocks(assemble(written.prose, brief, is_verbatim=written.is_verbatim))
    _save(job, token, blocks, written)


def _save(job: GenerationJob, token: str, blocks: list[dict[str, Any]], written: Written) -> None:
    """Store the text and the outcome together, if the lease is still ours."""
    with transaction.atomic():
        lock_page(job.page)
        mine = GenerationJob.objects.filter(pk=job.pk, lease_token=token)
        if not mine.exists():
            return
        revision = add_revision(job.page, blocks, source=Revision.Source.GENERATED, by=job.created_by)
        finish(
            GenerationJob.objects.all(), pk=job.pk, token=token, status=Status.DONE, revision=revision,
            finished_at=timezone.now(), error_code="", error_message="",
            **_usage(job, written.tokens_in, written.tokens_out, written.cost),
        )  # fmt: skip
        transaction.on_commit(lambda: _announce(job.pk), robust=True)


def _note_failure(job: GenerationJob, token: str, error: ProviderError) -> None:
    used = _usage(job, error.tokens_in, error.tokens_out, error.cost)
    if error.permanent or job.attempts >= _MAX_ATTEMPTS:
        _fail(job, token, error.code, str(error), **used)
        return
    wait = min(3600.0, error.retry_after_seconds or backoff_seconds(job.attempts, first=10, most=300))
    finish(
        GenerationJob.objects.all(), pk=job.pk, token=token, status=Status.QUEUED,
        due_at=timezone.now() + dt.timedelta(seconds=wait), error_code=error.code, error_message=str(error),
        **used,
    )  # fmt: skip
    _announce(job.pk)


def _fail(job: GenerationJob, token: str, code: str, message: str, **changes: Any) -> None:
    log.warning("generation_failed", job=job.pk, code=code)
    finish(
        GenerationJob.objects.all(), pk=job.pk, token=token, status=Status.FAILED, error_code=code,
        error_message=message, finished_at=timezone.now(), **changes,
    )  # fmt: skip
    _announce(job.pk)


def _usage(job: GenerationJob, tokens_in: int, tokens_out: int, cost: float) -> dict[str, Any]:
    return {
        "tokens_in": job.tokens_in + tokens_in,
        "tokens_out": job.tokens_out + tokens_out,
        "cost": float(job.cost) + cost,
    }


def ring_waiting_jobs(*, now: dt.datetime | None = None) -> int:
    """Requeue jobs whose message or worker was lost, and those that waited. Returns the number of jobs."""
    now = now or timezone.now()
    waiting = GenerationJob.objects.filter(
        Q(status=Status.QUEUED, due_at__lte=now, created_at__lte=now - _RING_AGAIN)
        | Q(status=Status.QUEUED, due_at__lte=now, attempts__gt=0)
        | _is_abandoned(now)
    )
    return _ring(list(waiting.order_by("due_at").values_list("pk", flat=True)[:_AT_ONCE]))


def _is_abandoned(now: dt.datetime) -> Q:
    return Q(status=Status.RUNNING) & lease_expired(now)


def _note_queued(job: GenerationJob) -> None:
    _announce(job.pk)  # before the worker announces that it is running
    _ring([job.pk])


def _announce(pk: str) -> None:
    """Send `generation_changed`. A failing receiver affects nothing. Call it after the commit."""
    job = GenerationJob.objects.select_related("page", "revision").filter(pk=pk).first()
    if job is not None:  # its page may have been deleted
        generation_changed.send_robust(sender=GenerationJob, job=job)


def _ring(pks: list[str]) -> int:
    return ring(TASK, [[pk] for pk in pks], queue=Queue.AI_GENERATE)
