"""A cancelled conference: its form is closed, its waiting list rests, and it can be taken back."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from conferences import services
from conferences.models import Conference, Registration
from conferences.services.places import promote_waiting
from conferences.services.registrations import register
from meeteasy.core.errors import RefusedError
from notifications.models import Notification

pytestmark = pytest.mark.django_db
Api = Callable[[User | None], APIClient]

URL = "/api/conferences/summit"
PERSON = {"name": "Dora", "email": "dora@example.com"}


def test_cancelling_closes_the_form_and_reinstating_opens_it(
    conference: Conference, api: Api, alice: User
) -> None:
    answer = api(alice).post(f"{URL}/cancel")
    assert (answer.status_code, answer.json()["cancelled_at"] is None) == (200, False)
    first = answer.json()["cancelled_at"]
    assert api(alice).post(f"{URL}/cancel").json()["cancelled_at"] == first
    refused = APIClient().post(f"{URL}/registrations", PERSON, format="json")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "conference_cancelled"
    assert not Registration.objects.exists()
    assert not Notification.objects.exists()

    for _ in range(2):
        back = api(alice).post(f"{URL}/reinstate")
        assert (back.status_code, back.json()["cancelled_at"]) == (200, None)
    assert APIClient().post(f"{URL}/registrations", PERSON, format="json").status_code == 201


def test_only_owners_cancel(conference: Conference, api: Api, alice: User, bob: User, charlie: User) -> None:
    for path in ("cancel", "reinstate"):
        for user, status in ((bob, 403), (charlie, 404), (None, 401)):
            assert api(user).post(f"{URL}/{path}").status_code == status
    conference.refresh_from_db()
    assert conference.cancelled_at is None
    api(alice).post(f"{URL}/cancel")
    api(alice).patch(URL, {"cancelled_at": None}, format="json")
    conference.refresh_from_db()
    assert conference.cancelled_at is not None


def test_nobody_is_promoted_while_the_conference_is_cancelled(
    conference: Conference,
) -> None:
    services.update_conference(conference, capacity=1)
    states = [register(conference=conference, name="N", email=f"n{n}@example.com").state for n in range(2)]
    assert states[1] == "waiting"
    services.cancel_conference(conference, by="alice")
    services.update_conference(conference, capacity=2)
    assert Registration.objects.filter(state="waiting").count() == 1
    services.reinstate_conference(conference, by="alice")
    assert Registration.objects.filter(state="waiting").count() == 0
    assert promote_waiting("summit", now=conference.created_at) == 0


def test_two_cancellations_at_once_are_one(conference: Conference) -> None:
    stale = Conference.objects.get(pk="summit")
    assert services.cancel_conference(conference, by="alice")
    assert not services.cancel_conference(stale, by="bob")
    assert stale.cancelled_at == conference.cancelled_at
    with pytest.raises(RefusedError):
        register(conference=stale, name="Dora", email="dora@example.com")


def test_the_admin_cancels_and_reinstates(conference: Conference, admin_client: Client) -> None:
    for action, is_cancelled in (("cancel_conferences", True), ("reinstate_conferences", False)):
        answer = admin_client.post(
            "/admin/conferences/conference/", {"action": action, "_selected_action": ["summit"]}, follow=True
        )
        assert answer.status_code == 200
        conference.refresh_from_db()
        assert (conference.cancelled_at is not None) is is_cancelled
