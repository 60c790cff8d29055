"""How long a conference keeps what it has: setting it, the preview, and what each kind deletes."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from conferences.models import Conference, ExportJob, Job
from conferences.services import retention
from conferences.services.registrations import register
from conversion import store as files
from conversion.models import ConversionJob
from notifications.models import Notification
from tests.analytics.builders import NOON, page_view, store
from visuspace.models import GenerationJob, Page, Revision

pytestmark = pytest.mark.django_db

URL = "/api/conferences/summit/retention"
NOW = NOON + dt.timedelta(days=100)


def set_days(conference: Conference, **days: int | None) -> None:
    retention.set_retention(conference, now=NOW - retention.GRACE, **days)


def test_only_owners_read_and_set_it(
    conference: Conference, alice: User, bob: User, charlie: User, api: Any
) -> None:
    for user, status in ((bob, 403), (charlie, 404), (None, 401)):
        assert api(user).get(URL).status_code == status
        assert api(user).patch(URL, {"keep_files_days": 3}, format="json").status_code == status
    assert api(alice).patch(URL, {"keep_files_days": 3}, format="json").json()["keep_files_days"] == 3
    conference.refresh_from_db()
    assert conference.keep_files_days == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"keep_events_days": 29}, "keep_events_days"),
        ({"keep_messages_days": 3651}, "keep_messages_days"),
        ({"keep_files_days": "soon"}, "keep_files_days"),
        ({"keep_dreams_days": 40}, "keep_dreams_days"),
    ],
)
def test_bad_values_are_refused_by_name(
    conference: Conference, alice: User, api: Any, body: dict[str, Any], field: str
) -> None:
    answer = api(alice).patch(URL, body, format="json")
    assert answer.status_code == 400
    assert field in str(answer.json()["error"]["details"])


def test_events_outlive_the_time_that_they_may_take(
    conference: Conference, alice: User, api: Any, settings: Any
) -> None:
    settings.INGEST_ACCEPTANCE_DAYS = 60
    answer = api(alice).patch(URL, {"keep_events_days": 66}, format="json")
    assert "67" in str(answer.json()["error"]["details"]["keep_events_days"])
    assert api(alice).patch(URL, {"keep_events_days": 67}, format="json").status_code == 200


def test_a_preview_counts_by_kind_and_day_and_changes_nothing(
    conference: Conference, alice: User, api: Any
) -> None:
    store(page_view("a"), page_view("b"), page_view("c", ts=NOON + dt.timedelta(days=1)))
    answer = api(alice).get(URL, {"keep_events_days": 30}).json()
    assert answer["due"] == [
        {"kind": "events", "date": "2026-05-01", "count": 2},
        {"kind": "events", "date": "2026-05-02", "count": 1},
    ]
    assert (answer["keep_events_days"], answer["in_force_at"]) == (None, None)
    assert api(alice).get(URL).json()["due"] == []


def test_nothing_goes_within_a_day_of_setting_it(conference: Conference) -> None:
    write_message(conference)
    retention.set_retention(conference, now=NOW, keep_messages_days=30)
    retention.delete_due(now=NOW + retention.GRACE - dt.timedelta(seconds=1))
    assert Notification.objects.count() == 1
    retention.delete_due(now=NOW + retention.GRACE)
    assert Notification.objects.count() == 0


def write_message(conference: Conference) -> Notification:
    register(conference=conference, name="Ann", email="ann@example.com", now=NOON)
    row = Notification.objects.get()
    Notification.objects.update(status="sent", created_at=NOON)
    return row


def test_messages_that_wait_stay(conference: Conference) -> None:
    row = write_message(conference)
    set_days(conference, keep_messages_days=30)
    for status, left in (("queued", 1), ("sending", 1), ("unknown", 0)):
        Notification.objects.filter(pk=row.pk).update(status=status)
        retention.delete_due(now=NOW)
        assert Notification.objects.count() == left, status


def test_files_go_with_their_results(conference: Conference) -> None:
    for path in ("summit/inputs/x", "summit/outputs/y.pdf"):
        files.put(path, ContentFile(b"content"))
    ConversionJob.objects.create(
        conference=conference, status="done", input_path="summit/inputs/x", input_sha256="0" * 64,
        input_bytes=7, target="pdf", output_path="summit/outputs/y.pdf", finished_at=NOON,
    )  # fmt: skip
    set_days(conference, keep_files_days=90)
    retention.delete_due(now=NOW - dt.timedelta(days=10))
    assert ConversionJob.objects.count() == 1
    retention.delete_due(now=NOW)
    assert ConversionJob.objects.count() == 0
    assert not files.exists("summit/inputs/x")
    assert not files.exists("summit/outputs/y.pdf")


def test_another_conference_keeps_everything(conference: Conference, alice: User) -> None:
    from conferences.services import create_conference

    other = create_conference(owner=alice, id="other", name="Other", time_zone="UTC")
    write_message(other)
    set_days(conference, keep_messages_days=30)
    retention.delete_due(now=NOW)
    assert Notification.objects.count() == 1


def test_a_run_out_of_time_leaves_the_rest(conference: Conference) -> None:
    set_days(conference, keep_events_days=30)
    store(page_view("a"), page_view("b", ts=NOON + dt.timedelta(days=1)))
    write_message(conference)
    set_days(conference, keep_messages_days=30)
    assert retention.delete_due(now=NOW, seconds=0)


def test_jobs_that_ended_go_with_files_and_others_stay(conference: Conference) -> None:
    for model, fields in ((Job, {"kind": "import"}), (ExportJob, {"export": "people", "is_deleted": True})):
        model.objects.create(conference=conference, status="done", finished_at=NOON, **fields)
        model.objects.create(conference=conference, status="running", created_at=NOON, **fields)
    with_file = ExportJob.objects.create(
        conference=conference, export="people", status="done", finished_at=NOON
    )
    set_days(conference, keep_files_days=90)
    shown = retention.preview(conference, now=NOW).totals()
    assert (shown["jobs"], shown["exports"]) == (1, 1)
    retention.delete_due(now=NOW - dt.timedelta(days=10))
    assert (Job.objects.count(), ExportJob.objects.count()) == (2, 3)
    retention.delete_due(now=NOW)
    assert list(Job.objects.values_list("status", flat=True)) == ["running"]
    left = ExportJob.objects.order_by("status").values_list("pk", "status")
    assert (left[0][0], left[1][1]) == (with_file.pk, "running"), "the row says which file is to be deleted"


def test_of_an_event_page_the_draft_and_what_is_published_stay(conference: Conference) -> None:
    page = Page.objects.create(conference=conference, language="en")
    revisions = [
        Revision.objects.create(page=page, number=number, blocks=[], source="generated")
        for number in range(1, 5)
    ]
    Revision.objects.filter(page=page).update(created_at=NOON)
    Page.objects.filter(pk=page.pk).update(published=revisions[1], draft=revisions[3])
    for number, revision in enumerate(revisions):
        finished_at = NOW if number == 2 else NOON  # of another state, whose generation is not old
        GenerationJob.objects.create(
            page=page, key=f"{number}", provider="template", due_at=NOON, status="done",
            revision=revision, finished_at=finished_at,
        )  # fmt: skip
    GenerationJob.objects.create(page=page, key="waits", provider="template", due_at=NOON)
    set_days(conference, keep_files_days=90)
    shown = retention.preview(conference, now=NOW).totals()
    assert (shown["generations"], shown["revisions"]) == (3, 2)
    retention.delete_due(now=NOW)
    assert list(Revision.objects.order_by("number").values_list("number", flat=True)) == [2, 4]
    assert list(GenerationJob.objects.values_list("key", flat=True)) == ["waits"], (
        "none answers with a text that is gone"
    )
