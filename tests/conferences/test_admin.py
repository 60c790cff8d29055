"""Operators in the admin use the same functions as the API and cannot edit the state by hand."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conferences.models import CheckIn, Conference, Job, Registration
from conferences.services.checkins import check_in
from conferences.services.jobs import work_on_job
from conferences.services.registrations import register

pytestmark = pytest.mark.django_db

LIST = "/admin/conferences/registration/"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com"))
    return client


@pytest.fixture
def two(conference: Conference) -> list[Registration]:
    conference.approval_required = True
    return [
        register(conference=conference, name=name, email=f"{name}@example.com").registration
        for name in ("Ann", "Ben")
    ]


def run(operator: Client, action: str, rows: list, *, url: str = LIST) -> str:
    answer = operator.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    assert answer.status_code == 200
    return " | ".join(str(message) for message in answer.context["messages"])


def states() -> dict[str, str]:
    return dict(Registration.objects.values_list("name", "state"))


def test_bulk_actions_report_refusals(operator: Client, two: list[Registration]) -> None:
    assert run(operator, "reject", two[:1]) == "Done for 1 entry."
    message = run(operator, "approve", two)
    assert message == "Done for 2 entries."
    assert states() == {"Ann": "approved", "Ben": "approved"}
    assert Registration.objects.filter(decided_by__username="root").count() == 2

    assert run(operator, "check_in", two) == "Done for 2 entries."
    refused = run(operator, "cancel", two)
    assert refused.startswith("This attendee is checked in; undo the check-in first.")
    assert "Ann" in refused
    assert "Ben" in refused
    run(operator, "undo", list(CheckIn.objects.all()), url="/admin/conferences/checkin/")
    assert CheckIn.objects.filter(undone_at=None).count() == 0
    run(operator, "cancel", two)
    assert states() == {"Ann": "cancelled", "Ben": "cancelled"}


def test_registrations_and_check_ins_are_read_only(
    operator: Client, two: list[Registration], bob: User
) -> None:
    Registration.objects.update(state="approved")
    made = check_in(two[0].id, by=bob).check_in
    for url in (f"{LIST}{two[0].pk}/change/", f"/admin/conferences/checkin/{made.pk}/change/"):
        page = operator.get(url)
        assert page.status_code == 200
        fields = page.context["adminform"].form.fields
        assert not fields, fields
    operator.post(f"{LIST}{two[0].pk}/change/", {"state": "rejected", "name": "X"})
    assert states()["Ann"] == "approved"


@pytest.mark.parametrize(
    "query", ["", "?q=ann", "?state=pending", "?checked_in=yes", "?checked_in=no", "?o=6"]
)
def test_the_list_can_be_searched_and_filtered(operator: Client, two: list[Registration], query: str) -> None:
    page = operator.get(LIST + query)
    assert page.status_code == 200
    assert len(page.context["cl"].result_list) == {"?q=ann": 1, "?checked_in=yes": 0}.get(query, 2)


def test_the_admin_keeps_the_last_owner(operator: Client, conference: Conference) -> None:
    url = reverse("admin:conferences_conference_change", args=[conference.pk])
    members = list(conference.members.order_by("pk"))
    form = {
        "name": "Summit", "time_zone": "Asia/Shanghai", "languages": '["en"]',
        "attribution_window_days": "30",
        "reminder_hours_before": "[]", "members-TOTAL_FORMS": "2", "members-INITIAL_FORMS": "2",
    }  # fmt: skip
    for number, member in enumerate(members):
        form |= {
            f"members-{number}-id": str(member.pk),
            f"members-{number}-conference": conference.pk,
            f"members-{number}-user": str(member.user_id),
            f"members-{number}-role": "helper",
        }
    answer = operator.post(url, form)
    assert answer.status_code == 200
    assert "A conference needs an owner." in answer.content.decode()
    owner = next(number for number, member in enumerate(members) if member.role == "owner")
    assert operator.post(url, {**form, f"members-{owner}-role": "owner"}).status_code == 302
    conference.refresh_from_db()
    assert conference.reminder_hours_before == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("languages", '["English"]'), ("languages", "[]"), ("reminder_hours_before", "[0]"),
     ("reminder_hours_before", '["24"]'), ("attribution_window_days", "0"), ("quiet_from", "22:00"),
     ("venue", "Hall\x0b1"), ("phone_region", "cn")],
)  # fmt: skip
def test_bad_settings_are_named(operator: Client, conference: Conference, field: str, value: str) -> None:
    url = reverse("admin:conferences_conference_change", args=[conference.pk])
    form = {
        "name": "Summit", "time_zone": "Asia/Shanghai", "languages": '["en"]',
        "attribution_window_days": "30",
        "reminder_hours_before": "[24]", "members-TOTAL_FORMS": "0", "members-INITIAL_FORMS": "0",
    }  # fmt: skip
    answer = operator.post(url, {**form, field: value})
    assert answer.status_code == 200
    expected = {"quiet_from": "quiet_until"}.get(field, field)
    assert set(answer.context["adminform"].form.errors) == {expected}


def test_a_conference_cannot_be_deleted(conference: Conference, admin_client: Client) -> None:
    path = reverse("admin:conferences_conference_delete", args=[conference.pk])

    assert admin_client.post(path, {"post": "yes"}).status_code == 403
    assert Conference.objects.filter(pk=conference.pk).exists()


def test_a_second_check_in_reports_the_first(operator: Client, two: list[Registration], bob: User) -> None:
    Registration.objects.update(state="approved")
    check_in(two[0].id, by=bob, gate="North", now=dt.datetime(2027, 5, 18, 1, 5, tzinfo=dt.UTC))
    message = run(operator, "check_in", two)
    assert "Done for 1 entry." in message
    assert "Already checked in at 2027-05-18 09:05 (Asia/Shanghai) by bob (North)." in message


def test_bulk_actions_are_logged_in_the_history(operator: Client, two: list[Registration]) -> None:
    run(operator, "approve", two)
    run(operator, "check_in", two[:1])
    entries = LogEntry.objects.filter(object_id=two[0].pk).order_by("id")
    assert [entry.change_message for entry in entries] == ["Approved.", "Checked in."]
    assert LogEntry.objects.filter(object_id=two[1].pk).count() == 1
    history = operator.get(f"{LIST}{two[0].pk}/history/").content.decode()
    assert "Approved." in history


def test_large_bulk_actions_become_a_job(operator: Client, conference: Conference) -> None:
    conference.approval_required = True
    rows = [
        register(conference=conference, name=f"N{number}", email=f"n{number}@example.com").registration
        for number in range(60)
    ]
    assert "1 job was started" in run(operator, "approve", rows)
    job = Job.objects.get()
    work_on_job(job.pk)
    assert Registration.objects.filter(state="approved", decided_by__username="root").count() == 60
    assert operator.get("/admin/conferences/job/").status_code == 200
    assert operator.get(f"/admin/conferences/job/{job.pk}/change/").status_code == 200
