"""Imports and bulk decisions as jobs in slices."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from analytics.models import Event
from analytics.stream.drain import Drain
from analytics.stream.queue import Consumer
from conferences import signals
from conferences.models import Conference, Job, Registration
from conferences.services import jobs
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from conferences.states import Action
from conferences.tasks import catch_up, forget_expired
from meeteasy.core import slices
from meeteasy.core.redis import get_redis
from tests.conferences.api.conftest import Api
from tests.conferences.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/conferences/summit"


def csv_of(count: int) -> bytes:
    lines = (f"Attendee {number},n{number}@example.com" for number in range(count))
    return ("name,email\n" + "\n".join(lines)).encode()


class Queue:
    """The messages that wait on the job queue in Valkey. No worker runs here."""

    def __len__(self) -> int:
        return int(redis.Redis.from_url(settings.REDIS_URL).llen("files.convert"))


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def import_job(conference: Conference, bob: User) -> Callable[[int], Job]:
    def start(count: int, *, dry_run: bool = False) -> Job:
        return jobs.start_import(conference=conference, content=csv_of(count), dry_run=dry_run, by=bob)

    return start


def test_a_job_runs_in_slices_until_done(
    import_job: Callable[[int], Job], queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)  # a piece at a time
    job = import_job(450)
    assert (job.total, len(queue)) == (450, 1)
    seen = []
    while (job := Job.objects.get()).status == "queued":
        jobs.work_on_job(job.pk)
        seen.append(Job.objects.get().done)
    assert seen == [200, 400, 450]
    assert len(queue) == 3
    assert (job.status, job.counts["created"], bytes(job.content)) == ("done", 450, b"")
    assert Registration.objects.count() == 450
    assert job.finished_at is not None


def test_a_dry_run_finds_repetitions_across_slices(
    conference: Conference, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    lines = "".join(f"N,n{number % 250}@example.com\n" for number in range(500))
    content = ("name,email\n" + lines).encode()
    job = jobs.start_import(conference=conference, content=content, dry_run=True, by=bob)
    while Job.objects.get().status == "queued":
        jobs.work_on_job(job.pk)
    counts = Job.objects.get().counts
    assert (counts["created"], counts["existing"]) == (250, 250)
    assert not Registration.objects.exists()


def test_two_concurrent_workers_do_a_job_once(import_job: Callable[[int], Job]) -> None:
    job = import_job(100)
    at_once(*[lambda: jobs.work_on_job(job.pk)] * 4)
    job.refresh_from_db()
    assert (job.status, job.counts["created"], job.done) == ("done", 100, 100)
    assert Registration.objects.count() == 100


def test_a_cancelled_job_stops_and_keeps_its_results(
    import_job: Callable[[int], Job], bob: User, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = import_job(600)

    def cancel_soon(sender: object, registrations: list[Registration], **kwargs: object) -> None:
        api(bob).post(f"{URL}/jobs/{job.pk}/cancel")

    signals.registrations_imported.connect(cancel_soon)
    try:
        jobs.work_on_job(job.pk)
    finally:
        signals.registrations_imported.disconnect(cancel_soon)
    told = api(bob).get(f"{URL}/jobs/{job.pk}").json()
    assert (told["status"], told["done"], told["total"]) == ("cancelled", 200, 600)
    assert Registration.objects.count() == 200
    assert bytes(Job.objects.get().content) == b""
    jobs.work_on_job(job.pk)
    assert Registration.objects.count() == 200


def test_an_unstarted_job_is_cancelled_at_once(import_job: Callable[[int], Job], bob: User, api: Api) -> None:
    job = import_job(3)
    assert api(bob).post(f"{URL}/jobs/{job.pk}/cancel").json()["status"] == "cancelled"
    jobs.work_on_job(job.pk)
    assert not Registration.objects.exists()


@pytest.mark.parametrize("hours", [-1, 48], ids=["over", "by a clock set back since"])
def test_a_dead_worker_loses_nothing(import_job: Callable[[int], Job], queue: Queue, hours: int) -> None:
    job = import_job(300)
    until = timezone.now() + timezone.timedelta(hours=hours)
    Job.objects.update(status="running", lease_token="dead", lease_until=until, position="200", done=200)
    Job.objects.update(counts={"created": 200})
    catch_up()
    assert len(queue) == 2
    jobs.work_on_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.counts["created"]) == ("done", 300, 300)
    assert Registration.objects.count() == 100


def test_a_lost_message_is_requeued(import_job: Callable[[int], Job], queue: Queue) -> None:
    import_job(3)
    catch_up()
    assert len(queue) == 1  # it has waited for less than a minute
    Job.objects.update(rung_at=timezone.now() - timezone.timedelta(minutes=2))
    catch_up()
    catch_up()
    assert len(queue) == 2


def test_only_a_busy_database_is_retried(conference: Conference, bob: User) -> None:
    ann = register(conference=conference, name="Ann", email="ann@example.com").registration
    job = jobs.start_decision(conference=conference, action=Action.CANCEL, ids=[ann.id], by=bob)
    failures: list[Exception] = [OperationalError("database is locked"), RuntimeError("no luck")]

    def fail(sender: object, **kwargs: object) -> None:
        raise failures.pop(0)

    signals.registration_changing.connect(fail)
    try:
        jobs.work_on_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.failures, job.error) == ("queued", 1, "database is locked")
        jobs.work_on_job(job.pk)
    finally:
        signals.registration_changing.disconnect(fail)
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "RuntimeError: no luck")
    assert Registration.objects.get().state == "approved"


def test_bulk_decisions_report_refusals(conference: Conference, bob: User, api: Api) -> None:
    conference.approval_required = True
    conference.save()
    made = [
        register(conference=conference, name=f"N{number}", email=f"n{number}@example.com").registration
        for number in range(130)
    ]
    answer = api(bob).post(
        f"{URL}/registrations/decide", {"action": "approve", "filter": {"state": "pending"}}, format="json"
    )
    assert (answer.status_code, answer.json()["total"]) == (202, 130)
    late = register(conference=conference, name="Late", email="late@example.com").registration
    jobs.work_on_job(answer.json()["id"])
    told = api(bob).get(answer["Location"]).json()
    assert (told["status"], told["done"]) == ("done", 130)
    assert told["counts"] == {"decided": 130, "failed": 0}
    assert Registration.objects.filter(state="approved", decided_by=bob).count() == 130
    assert Registration.objects.get(id=late.id).state == "pending"

    check_in(made[0].id, by=bob)
    body = {"action": "cancel", "ids": [made[0].id, made[1].id, "unknown"]}
    answer = api(bob).post(f"{URL}/registrations/decide", body, format="json")
    jobs.work_on_job(answer.json()["id"])
    told = api(bob).get(answer["Location"]).json()
    assert told["counts"] == {"decided": 1, "failed": 1}
    assert [(error["id"], error["code"]) for error in told["errors"]] == [(made[0].id, "checked_in")]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action", "ids"}),
        ({"action": "approve"}, {"ids"}),
        ({"action": "delete", "ids": ["a"]}, {"action"}),
        ({"action": "approve", "ids": ["a"], "filter": {}}, {"ids"}),
        ({"action": "approve", "filter": {"states": "pending"}}, {"filter"}),
        ({"action": "approve", "ids": ["a"], "all": True}, {"all"}),
    ],
)
def test_a_bad_decision_is_refused(
    conference: Conference, bob: User, api: Api, body: dict[str, Any], fields: set[str]
) -> None:
    answer = api(bob).post(f"{URL}/registrations/decide", body, format="json")
    assert answer.status_code == 400
    assert fields & set(answer.json()["error"]["details"])
    assert not Job.objects.exists()


def test_reports_are_deleted_after_30_days(import_job: Callable[[int], Job]) -> None:
    job = import_job(1)
    jobs.work_on_job(job.pk)
    forget_expired()
    assert Job.objects.exists()
    Job.objects.update(finished_at=timezone.now() - timezone.timedelta(days=31))
    forget_expired()
    assert not Job.objects.exists()


def test_imported_registrations_reach_the_figures(import_job: Callable[[int], Job]) -> None:

    jobs.work_on_job(import_job(230).pk)
    Drain(Consumer(get_redis())).run(linger_ms=1)
    assert Event.objects.filter(type="registration").count() == 230
