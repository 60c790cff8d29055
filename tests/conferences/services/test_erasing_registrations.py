"""Deleting a registration erases its person but does not change the figures."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from analytics.days.summaries import compute_day
from analytics.models import Event
from analytics.stream.drain import Drain
from analytics.stream.queue import Consumer
from conferences.models import CheckIn, Conference, ErasedVisitor, Registration, RegistrationReceipt
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.erasing import erase_registration
from conferences.services.registrations import register
from meeteasy.core.redis import get_redis
from notifications.models import MailboxMessage, Notification
from sharing.models import ShareRegistration

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/conferences/registration/"


@pytest.fixture
def ann(conference: Conference, bob: User) -> Registration:
    """Ann came by a share link. Her check-in was undone and then repeated."""
    made = register(
        conference=conference, name="Ann", email="ann@example.com", visitor_id="v-ann", share_code="abcd"
    ).registration
    undo_check_in(check_in(made.id, by=bob).check_in.id, by=bob)
    check_in(made.id, by=bob)
    drain()
    return made


def drain() -> None:
    Drain(Consumer(get_redis())).run(linger_ms=1)


def test_erasing_removes_the_person_but_keeps_the_figures(conference: Conference, ann: Registration) -> None:
    MailboxMessage.objects.create(
        channel="email", recipient=ann.email, conference_id=conference.id, raw=b"Dear Ann"
    )
    day = Event.objects.filter(type="registration").values_list("local_date", flat=True).get()
    before = compute_day(conference.id, day).figures
    assert (before["registrations"], before["checkins"], before["present"]) == (1, 1, 1)

    erase_registration(ann.id)
    drain()

    for model in (Registration, CheckIn, RegistrationReceipt, Notification, MailboxMessage):
        assert not model._default_manager.exists(), model
    assert "v-ann" not in str(list(Event.objects.values_list("visitor_id", "data", "properties")))
    assert "v-ann" not in str(list(ShareRegistration.objects.values_list("visitor")))
    assert ErasedVisitor.objects.filter(conference_id=conference.id).exists()
    assert compute_day(conference.id, day).figures == before


def test_the_admin_deletes_a_person_with_check_ins(admin_client: Client, ann: Registration) -> None:
    page = admin_client.get(f"{LIST}{ann.pk}/delete/")
    assert "their visitor id in events and share links" in page.content.decode()
    assert admin_client.post(f"{LIST}{ann.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Registration.objects.exists()
    assert not Notification.objects.exists()


def test_the_admin_deletes_many_registrations(
    admin_client: Client, conference: Conference, ann: Registration
) -> None:
    register(conference=conference, name="Ben", email="ben@example.com")
    rows = [str(found.pk) for found in Registration.objects.all()]
    form = {"action": "delete_selected", "_selected_action": rows, "post": "yes"}
    assert admin_client.post(LIST, form).status_code == 302
    assert not Registration.objects.exists()
    assert not Notification.objects.exists()
