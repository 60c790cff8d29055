"""POST and GET /api/conferences/<id>/announcements."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from conferences.models import Conference, Registration
from notifications.models import Announcement, Notification
from notifications.tasks import sweep_email

pytestmark = pytest.mark.django_db
Api = Callable[[User | None], APIClient]
URL = "/api/conferences/summit/announcements"


@pytest.fixture
def dated(conference: Conference) -> Conference:
    conference.starts_at = timezone.now() + timezone.timedelta(days=30)
    conference.save()
    return conference


def test_the_sweeper_writes_an_accepted_announcement(
    api: Api, alice: User, dated: Conference, attend: Callable[..., Registration]
) -> None:
    attend()
    answer = api(alice).post(URL, {"kind": "moved"}, format="json")
    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["created_by"]) == ("moved", "alice")
    assert (answer.json()["written"], answer.json()["finished_at"]) == (0, None)
    sweep_email()
    (row,) = api(alice).get(URL).json()["results"]
    assert (row["written"], row["finished_at"] is None) == (1, False)
    assert Notification.objects.filter(message_type="conference_moved", status="queued").count() == 1

    again = api(alice).post(URL, {"kind": "moved"}, format="json")
    assert (again.status_code, again.json()["id"]) == (200, row["id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "postponed"}, "kind"),
        ({"kind": "moved", "language": "en"}, "language"),
        ([], None),
    ],
)
def test_a_bad_announcement_is_refused(
    api: Api, alice: User, dated: Conference, body: Any, field: str | None
) -> None:
    answer = api(alice).post(URL, body, format="json")
    assert answer.status_code == 400
    if field:
        assert field in answer.json()["error"]["details"]
    assert not Announcement.objects.exists()


def test_a_move_without_a_date_is_refused(api: Api, alice: User, conference: Conference) -> None:
    answer = api(alice).post(URL, {"kind": "moved"}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_date")
    assert api(alice).post(URL, {"kind": "cancelled"}, format="json").status_code == 202


def test_only_owners_announce(api: Api, bob: User, charlie: User, dated: Conference) -> None:
    for user, posted, listed in ((bob, 403, 200), (charlie, 404, 404), (None, 401, 401)):
        assert api(user).post(URL, {"kind": "cancelled"}, format="json").status_code == posted
        assert api(user).get(URL).status_code == listed
    assert not Announcement.objects.exists()
