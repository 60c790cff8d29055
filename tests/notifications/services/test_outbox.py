"""Changes write messages in the same transaction. People can resend and abort them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from kombu.exceptions import OperationalError

from conferences import badges
from conferences.models import Conference, Registration
from conferences.services.registrations import decide, register
from conferences.states import Action
from meeteasy.celery import app as celery_app
from notifications.models import Notification
from notifications.services import outbox
from notifications.services.delivering import deliver
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Status = Notification.Status
Attend = Callable[..., Registration]


def types() -> list[str]:
    return list(Notification.objects.order_by("id").values_list("message_type", flat=True))


def test_without_approval_a_registration_is_confirmed(attend: Attend) -> None:
    registration = attend(name="Дора 多拉 😀", language="zh-hans")
    row = Notification.objects.get()
    assert row.message_type == "registration_confirmation"
    assert row.recipient == registration.email
    assert (row.status, row.conference_id, row.registration_id) == ("queued", "summit", registration.id)
    assert row.facts == {}  # its data is read when it is sent


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([], ["pending_approval"]),
        ([Action.APPROVE], ["pending_approval", "approval"]),
        ([Action.REJECT], ["pending_approval", "rejection"]),
        ([Action.REJECT, Action.APPROVE], ["pending_approval", "rejection", "approval"]),
        ([Action.APPROVE, Action.CANCEL], ["pending_approval", "approval", "cancellation"]),
        ([Action.APPROVE, Action.APPROVE], ["pending_approval", "approval"]),
    ],
)
def test_each_decision_is_announced_once(
    conference: Conference, attend: Attend, actions: list[Action], expected: list[str]
) -> None:
    conference.approval_required = True
    conference.save()
    registration = attend()
    for action in actions:
        decide(registration.id, action, by=None)
    assert types() == expected


def test_a_repeated_registration_is_not_confirmed_again(attend: Attend) -> None:
    attend(email="dora@example.com")
    attend(email="Dora@Example.com")
    assert types() == ["registration_confirmation", "already_registered"]


def test_a_refused_registration_writes_no_message(attend: Attend) -> None:
    with pytest.raises(ValidationError):
        attend(name="Dora\r\nBcc: x@example.com")
    assert types() == []


def test_imported_people_are_mailed_only_about_later_decisions(conference: Conference) -> None:
    registration = register(
        conference=conference, name="D", email="d@example.com", source=Registration.Source.IMPORT
    ).registration
    assert types() == []
    decide(registration.id, Action.CANCEL, by=None)
    assert types() == ["cancellation"]


@pytest.mark.django_db(transaction=True)
def test_changes_and_messages_are_committed_atomically(conference: Conference) -> None:
    seen: list[list[str]] = []

    def register_and_fail() -> None:
        with transaction.atomic():
            register(conference=conference, name="D", email="d@example.com")
            seen.append(types())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        register_and_fail()
    assert seen == [["registration_confirmation"]]
    assert types() == []
    assert not Registration.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_broker_outage_loses_no_registration_or_message(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("Connection refused")

    monkeypatch.setattr(celery_app, "send_task", refuse)
    register(conference=conference, name="D", email="d@example.com")
    assert Registration.objects.count() == 1
    assert Notification.objects.get().status == Status.QUEUED


def test_an_arrived_message_is_resent_with_a_new_id(
    notification: Notification, mail_server: MailServer
) -> None:
    deliver(notification.pk)
    outbox.resend(notification.pk, by="alice")
    assert deliver(notification.pk) == Status.SENT
    first, second = mail_server.mails
    assert first["Message-ID"] != second["Message-ID"]


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.FAILED, Status.BOUNCED, Status.SUPPRESSED])
def test_an_unconfirmed_message_is_resent_with_its_id(
    notification: Notification, mail_server: MailServer, status: str
) -> None:
    Notification.objects.update(status=status, attempts=8)
    outbox.resend(notification.pk, by="alice")
    assert deliver(notification.pk) == Status.SENT
    assert mail_server.mails[0]["Message-ID"].startswith(f"<{notification.id.hex}.0@")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING])
def test_a_message_in_progress_is_not_resent(notification: Notification, status: str) -> None:
    Notification.objects.update(status=status)
    with pytest.raises(outbox.WrongStatusError):
        outbox.resend(notification.pk, by="alice")


@pytest.mark.parametrize("status", Status.values)
def test_only_waiting_messages_can_be_aborted(notification: Notification, status: str) -> None:
    Notification.objects.update(status=status)
    if status in (Status.QUEUED, Status.UNKNOWN):
        outbox.abort(notification.pk, by="alice")
        notification.refresh_from_db()
        assert (notification.status, notification.last_error) == (Status.SUPPRESSED, "aborted by alice")
    else:
        with pytest.raises(outbox.WrongStatusError):
            outbox.abort(notification.pk, by="alice")


def test_an_aborted_message_is_not_sent(notification: Notification, mail_server: MailServer) -> None:
    outbox.abort(notification.pk, by="alice")
    assert deliver(notification.pk) is None
    assert mail_server.mails == []


def test_the_mail_shows_the_registrations_check_in_code(
    conference: Conference, notification: Notification, mail_server: MailServer
) -> None:
    deliver(notification.pk)
    (picture,) = (
        part.get_content() for part in mail_server.mails[0].walk() if part.get_content_type() == "image/png"
    )
    registration = Registration.objects.get()
    code = badges.make_code(registration)
    assert badges.find_by_code(conference, code) == registration
    assert picture == badges.draw_qr(code, kind="png")


def test_repeated_registrations_are_mailed_once_a_day(conference: Conference, attend: Attend) -> None:
    """The day is local to the conference: in Shanghai it ends at 16:00 UTC."""
    registration = attend()
    noon = dt.datetime(2027, 5, 1, 12, 0, tzinfo=dt.UTC)
    for hours in (0, 1, 3.9, 4.1, 27.9):
        again = register(
            conference=conference, name="Mallory", email=registration.email.upper(),
            now=noon + dt.timedelta(hours=hours),
        )  # fmt: skip
        assert not again.created
    rows = Notification.objects.filter(message_type="already_registered")
    assert [row.created_at for row in rows.order_by("id")] == [noon, noon + dt.timedelta(hours=4.1)]
    assert {row.recipient for row in rows} == {registration.email}
    assert "Mallory" not in str(rows[0].facts)


def test_repeated_lines_in_an_import_send_no_mail(conference: Conference, attend: Attend) -> None:
    registration = attend()
    register(conference=conference, name="Ann", email=registration.email, source=Registration.Source.IMPORT)
    assert types() == ["registration_confirmation"]
