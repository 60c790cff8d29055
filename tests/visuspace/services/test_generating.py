"""Generation jobs: each asked for once, paid for once, and never lost."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferences.models import Conference
from conferences.services import create_conference, update_conference
from meeteasy.core.errors import RefusedError
from meeteasy.core.jobs import claim
from tests.visuspace.openai_server import PROSE, ModelServer, completion
from visuspace.models import GenerationJob, Page
from visuspace.selectors.generations import Use, measure_use
from visuspace.services import generating
from visuspace.services.generating import generate, request_generation, ring_waiting_jobs
from visuspace.services.pages import get_or_create_page
from visuspace.signals import generation_changed

pytestmark = pytest.mark.django_db

Status = GenerationJob.Status


@pytest.fixture
def page(conference: Conference) -> Page:
    return get_or_create_page(conference, language="en")


def ask(page: Page, *, prompt: str = "Short", again: bool = False) -> GenerationJob:
    return request_generation(page, prompt=prompt, again=again, by=None)


def rung() -> int:
    return int(redis.Redis.from_url(django_settings.REDIS_URL).llen("ai.generate"))  # type: ignore[arg-type]


def test_a_generated_text_becomes_the_draft(page: Page, model_server: Callable[..., ModelServer]) -> None:
    model_server()
    job = ask(page)
    generate(job.pk)
    job.refresh_from_db()
    page.refresh_from_db()
    assert (job.status, job.tokens_in, job.tokens_out, job.attempts) == ("done", 100, 20, 1)
    assert job.called_at is not None
    assert page.draft == job.revision
    assert page.draft is not None
    assert page.draft.blocks[0]["lead"] == PROSE["lead"]
    assert page.published is None


def test_the_offline_provider_is_deterministic(page: Page) -> None:
    made = []
    for again in (False, True):
        job = ask(page, prompt="First.\n\nSecond <script>alert(1)</script>.", again=again)
        generate(job.pk)
        page.refresh_from_db()
        assert page.draft is not None
        made.append(page.draft.blocks)
    assert made[0] == made[1]
    assert made[0][0]["lead"] == "First."
    assert made[0][1]["paragraphs"] == ["Second <script>alert(1)</script>."]


def test_the_same_request_pays_once_and_again_pays_again(
    page: Page, model_server: Callable[..., ModelServer]
) -> None:
    server = model_server()
    first = ask(page)
    assert ask(page) == first  # still waiting
    generate(first.pk)
    generate(first.pk)
    assert ask(page) == first
    assert len(server.requests) == 1
    second = ask(page, again=True)
    assert (second.generation, second == first) == (2, False)
    assert ask(page, again=True) == second  # a double click
    generate(second.pk)
    assert ask(page) == second
    assert ask(page, prompt="Long") not in (first, second)
    assert len(server.requests) == 2


def test_a_failed_request_can_be_made_again(page: Page, model_server: Callable[..., ModelServer]) -> None:
    server = model_server(completion("", refusal="no"), completion(PROSE))
    job = ask(page)
    generate(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code, job.tokens_in) == ("failed", "refused", 100)
    second = ask(page)
    assert second != job
    generate(second.pk)
    second.refresh_from_db()
    assert (second.status, len(server.requests)) == ("done", 2)


def test_a_passing_failure_is_tried_again_at_its_time(
    page: Page, model_server: Callable[..., ModelServer]
) -> None:
    server = model_server((429, {}, {"Retry-After": "40"}), completion(PROSE))
    job = ask(page)
    generate(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("queued", "rate_limited")
    wait = (job.due_at - timezone.now()).total_seconds()
    assert 30 < wait <= 40
    generate(job.pk)  # too early
    assert len(server.requests) == 1
    assert ring_waiting_jobs() == 0
    later = timezone.now() + dt.timedelta(seconds=60)
    assert ring_waiting_jobs(now=later) == 1
    generate(job.pk, now=later)
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempts) == ("done", "", 2)


def test_a_job_that_keeps_failing_ends(page: Page, model_server: Callable[..., ModelServer]) -> None:
    server = model_server((500, {}, {}))
    job = ask(page)
    for hours in range(5):
        generate(job.pk, now=timezone.now() + dt.timedelta(hours=hours))
    job.refresh_from_db()
    assert (job.status, job.error_code, len(server.requests)) == ("failed", "provider_failed", 3)


def test_a_dead_workers_job_is_taken_over_and_bounded(
    page: Page, model_server: Callable[..., ModelServer]
) -> None:
    """The answer of the dead worker may have been paid for: `called_at` and `attempts` say so."""
    server = model_server()
    job = ask(page)
    waiting = GenerationJob.objects.filter(status=Status.QUEUED)
    assert claim(waiting, pk=job.pk, lease_seconds=270, status=Status.RUNNING)
    generate(job.pk)  # a redelivered message finds it taken
    assert len(server.requests) == 0
    later = timezone.now() + dt.timedelta(seconds=300)
    assert ring_waiting_jobs(now=later) == 1
    generate(job.pk, now=later)
    job.refresh_from_db()
    assert (job.status, job.attempts, len(server.requests)) == ("done", 2, 1)


def test_a_worker_that_overslept_its_lease_writes_nothing(
    page: Page, model_server: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server()
    job = ask(page)
    assemble = generating.assemble

    def oversleep(*args: Any, **kwargs: Any) -> Any:
        GenerationJob.objects.filter(pk=job.pk).update(lease_token="another's")
        return assemble(*args, **kwargs)

    monkeypatch.setattr(generating, "assemble", oversleep)
    generate(job.pk)
    page.refresh_from_db()
    job.refresh_from_db()
    assert (page.draft, job.status, job.lease_token) == (None, "running", "another's")


def test_the_message_follows_the_commit_or_is_repeated(
    page: Page, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        job = ask(page)
    assert (rung(), len(callbacks)) == (0, 1)
    callbacks[0]()
    assert rung() == 1
    assert ring_waiting_jobs() == 0  # its message is on its way
    assert ring_waiting_jobs(now=timezone.now() + dt.timedelta(seconds=61)) == 1
    assert GenerationJob.objects.get() == job


def test_the_calls_of_a_day_are_capped(page: Page, settings: Any) -> None:
    settings.GENERATIONS_PER_DAY = 2
    for number in range(2):
        ask(page, prompt=str(number))
    assert ask(page, prompt="1").prompt == "1"  # exists
    chinese = get_or_create_page(
        update_conference(page.conference, languages=["en", "zh-hans"]), language="zh-hans"
    )
    for capped in (page, chinese):  # the cap is the conference's
        with pytest.raises(RefusedError) as caught:
            ask(capped, prompt="2")
        assert (caught.value.code, caught.value.status) == ("generation_cap", 429)


def test_a_cap_ends_with_the_conferences_day(page: Page, settings: Any) -> None:
    settings.GENERATIONS_PER_DAY = 1
    midnight = dt.datetime(2026, 5, 1, 16, tzinfo=dt.UTC)  # in Shanghai
    job = ask(page)
    GenerationJob.objects.update(created_at=midnight - dt.timedelta(minutes=1))
    assert request_generation(page, prompt="x", again=False, by=None, now=midnight) != job
    GenerationJob.objects.filter(pk=job.pk).update(created_at=midnight)
    with pytest.raises(RefusedError):
        request_generation(page, prompt="y", again=False, by=None, now=midnight + dt.timedelta(hours=23))


def test_what_a_conference_spends_in_a_day_is_capped(
    page: Page, model_server: Callable[..., ModelServer], settings: Any, charlie: User
) -> None:
    """100 tokens read at 20,000 a million are 2. A refused answer is paid for, too."""
    settings.AI_PRICE_IN, settings.AI_COST_PER_DAY = 20_000, 3
    model_server(completion("", refusal="no"), completion(PROSE))
    for prompt in ("a", "b"):
        generate(ask(page, prompt=prompt).pk)
    assert measure_use(page.conference, now=timezone.now()) == Use(generations=2, cost=Decimal(4))
    with pytest.raises(RefusedError) as caught:
        ask(page, prompt="c")
    assert (caught.value.code, caught.value.status) == ("cost_cap", 429)
    other = create_conference(owner=charlie, id="other", name="Other")
    assert ask(get_or_create_page(other, language="en"), prompt="c").status == Status.QUEUED


def test_a_request_takes_one_look_at_earlier_ones(page: Page, django_assert_num_queries: Any) -> None:
    for number in range(3):
        generate(ask(page, again=True).pk)
        GenerationJob.objects.filter(generation=number + 1).update(status=Status.FAILED if number else "done")
    with django_assert_num_queries(1):
        assert ask(page).generation == 1  # the newest that did not fail
    # savepoint, lock, use, insert, release
    with CaptureQueriesContext(connection) as queries:
        assert ask(page, again=True).generation == 4
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 4


def test_every_change_of_a_job_is_announced(
    page: Page, model_server: Callable[..., ModelServer], django_capture_on_commit_callbacks: Any
) -> None:
    model_server((429, {}, {"Retry-After": "0"}), completion(PROSE))
    seen: list[tuple[str, int | None]] = []

    def note(sender: object, job: GenerationJob, **kwargs: Any) -> None:
        seen.append((job.status, job.revision.number if job.revision else None))

    generation_changed.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            job = ask(page)
        for hours in (0, 1):
            with django_capture_on_commit_callbacks(execute=True):
                generate(job.pk, now=timezone.now() + dt.timedelta(hours=hours))
    finally:
        generation_changed.disconnect(note)
    states = ["queued", "running", "queued", "running", "done"]
    assert seen == [(state, 1 if state == "done" else None) for state in states]
