"""GET /api/notifications, resending and aborting."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from conferences.models import Conference, Member
from conferences.services import create_conference
from notifications.models import Notification

pytestmark = pytest.mark.django_db
Api = Callable[[User | None], APIClient]
Status = Notification.Status


def test_helpers_see_the_status_of_every_message(api: Api, bob: User, notification: Notification) -> None:
    answer = api(bob).get("/api/notifications", {"conference_id": "summit"})
    assert answer.status_code == 200
    (row,) = answer.json()["results"]
    assert row["id"] == str(notification.pk)
    assert (row["status"], row["channel"], row["message_type"]) == (
        "queued", "email", "registration_confirmation",
    )  # fmt: skip
    assert "context" not in row
    assert api(bob).get(f"/api/notifications/{notification.pk}").json() == row


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"status": "queued"}, 1),
        ({"status": "sent"}, 0),
        ({"channel": "email"}, 1),
        ({"channel": "sms"}, 0),
        ({"message_type": "registration_confirmation"}, 1),
        ({"message_type": "rejection"}, 0),
        ({"recipient": "dora@example.com"}, 1),
        ({"recipient": "x"}, 0),
        ({"registration_id": "x"}, 0),
    ],
)
def test_the_list_can_be_filtered(
    api: Api, alice: User, notification: Notification, filters: Any, count: int
) -> None:
    answer = api(alice).get("/api/notifications", {"conference_id": "summit", **filters})
    assert len(answer.json()["results"]) == count


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "conference_id"),
        ({"conference_id": "summit", "status": "gone"}, "status"),
        ({"conference_id": "summit", "channel": "pigeon"}, "channel"),
        ({"conference_id": "summit", "message_type": "x" * 65}, "message_type"),
        ({"conference_id": "summit", "message_type": "nonsense"}, "message_type"),
        ({"conference_id": "summit", "recipient": "a\x00b"}, "recipient"),
    ],
)
def test_bad_filters_are_refused(
    api: Api, alice: User, conference: Conference, query: Any, field: str
) -> None:
    answer = api(alice).get("/api/notifications", query)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


def test_messages_can_be_resent_and_aborted(api: Api, alice: User, notification: Notification) -> None:
    base = f"/api/notifications/{notification.pk}"
    refused = api(alice).post(f"{base}/resend")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "wrong_status")
    aborted = api(alice).post(f"{base}/abort")
    assert (aborted.status_code, aborted.json()["status"]) == (200, "suppressed")
    assert aborted.json()["last_error"] == "aborted by alice"
    assert api(alice).post(f"{base}/abort").status_code == 409
    assert api(alice).post(f"{base}/resend").json()["status"] == "queued"


@pytest.fixture
def somebody(request: Any, conference: Conference, bob: User, charlie: User) -> tuple[User | None, int]:
    """A user and the status that they get for a notification of the conference `summit`."""
    if request.param == "anonymous":
        return None, 401
    if request.param == "stranger":
        return charlie, 404
    if request.param == "member of another conference":
        create_conference(owner=charlie, id="other", name="Other")
        return charlie, 404
    Member.objects.filter(user=bob).update(role=Member.Role.VIEWER)
    return bob, 403


@pytest.mark.parametrize(
    "somebody", ["anonymous", "stranger", "member of another conference", "viewer"], indirect=True
)
@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/resend", "/{id}/abort"])
def test_outsiders_cannot_read_or_change_notifications(
    api: Api, notification: Notification, somebody: tuple[User | None, int], path: str
) -> None:
    user, status = somebody
    client = api(user)
    url = f"/api/notifications{path.format(id=notification.pk)}"
    post = path.endswith(("resend", "abort"))
    answer = client.post(url) if post else client.get(url, {} if path else {"conference_id": "summit"})
    assert answer.status_code == status
    assert "dora" not in answer.content.decode()
    notification.refresh_from_db()
    assert notification.status == Status.QUEUED


def test_unknown_and_foreign_ids_look_the_same(api: Api, charlie: User, notification: Notification) -> None:
    nowhere = "01a206b6-199a-7764-8c1f-aece6d9c181f"
    one, other = (
        api(charlie).get(f"/api/notifications/{pk}").json()["error"]["message"]
        for pk in (notification.pk, nowhere)
    )
    assert one == other
