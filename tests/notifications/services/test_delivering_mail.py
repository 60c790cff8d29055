"""Mail through a real SMTP server that answers, refuses, hangs and hangs up."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from conferences.models import Conference
from notifications.models import Notification, Suppression
from notifications.services import sweeping
from notifications.services.delivering import MAX_ATTEMPTS, deliver
from tests.notifications.servers import MailServer, SilentServer
from tests.support.services import free_port

pytestmark = pytest.mark.django_db
Status = Notification.Status


def make_due(notification: Notification) -> None:
    Notification.objects.filter(pk=notification.pk).update(scheduled_for=timezone.now())


def test_a_registration_is_confirmed_by_one_mail(notification: Notification, mail_server: MailServer) -> None:
    assert deliver(notification.pk) == Status.SENT
    (mail,) = mail_server.mails
    assert mail["To"] == "dora@example.com"
    assert mail["Subject"] == "You are registered: Summit"
    assert mail["Message-ID"].startswith(f"<{notification.id.hex}.0@")
    notification.refresh_from_db()
    assert notification.provider == "smtp"
    assert notification.sent_at is not None
    assert (notification.attempts, notification.lease_token, notification.lease_until) == (1, "", None)


def test_a_redelivered_task_sends_nothing_twice(notification: Notification, mail_server: MailServer) -> None:
    assert [deliver(notification.pk) for _ in range(3)] == [Status.SENT, None, None]
    assert len(mail_server.mails) == 1


def test_a_temporary_refusal_is_retried_later(notification: Notification, mail_server: MailServer) -> None:
    mail_server.script = ["451 4.3.0 greylisted"]
    before = timezone.now()
    assert deliver(notification.pk) == Status.QUEUED
    notification.refresh_from_db()
    assert notification.last_error == "temporary: 451 4.3.0 greylisted"
    assert dt.timedelta(seconds=14) < notification.scheduled_for - before < dt.timedelta(seconds=50)
    assert deliver(notification.pk) is None  # not before its time

    make_due(notification)
    assert deliver(notification.pk) == Status.SENT
    assert mail_server.mails[0]["Message-ID"] == mail_server.mails[1]["Message-ID"]


def test_retry_delays_grow_and_end(notification: Notification, mail_server: MailServer) -> None:
    mail_server.script = ["451 no"] * MAX_ATTEMPTS
    waits = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        before = timezone.now()
        status = deliver(notification.pk)
        notification.refresh_from_db()
        waits.append((notification.scheduled_for - before).total_seconds())
        assert status == (Status.QUEUED if attempt < MAX_ATTEMPTS else Status.FAILED)
        make_due(notification)
    assert all(0.5 * 30 * 2**i < wait < 1.5 * 30 * 2**i + 5 for i, wait in enumerate(waits[:6]))
    assert notification.last_error.startswith("given up after 8 attempts")


@pytest.mark.parametrize("where", ["recipient", "data"])
def test_a_permanent_refusal_is_final(
    notification: Notification, mail_server: MailServer, where: str
) -> None:
    if where == "recipient":
        mail_server.refuse_recipient = "550 5.1.1 no such user"
    else:
        mail_server.script = ["554 5.7.1 spam"]
    assert deliver(notification.pk) == Status.FAILED
    notification.refresh_from_db()
    assert notification.last_error.startswith("permanent: 55")


def test_mail_for_an_unreachable_server_is_requeued(notification: Notification, settings: Any) -> None:
    settings.EMAIL_BACKEND = "notifications.channels._smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert deliver(notification.pk) == Status.QUEUED
    notification.refresh_from_db()
    assert notification.last_error.startswith("outage: no connection")
    assert notification.called_at is None


def test_mail_for_a_silent_server_is_requeued(notification: Notification, settings: Any) -> None:
    server = SilentServer()
    settings.EMAIL_BACKEND = "notifications.channels._smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 1
    assert deliver(notification.pk) == Status.QUEUED
    server.close()
    notification.refresh_from_db()
    assert notification.last_error.startswith("outage: no connection")


@pytest.mark.parametrize("what", ["drop", "hang"])
def test_a_mail_without_an_answer_is_sent_once_more(
    notification: Notification, mail_server: MailServer, what: str
) -> None:
    mail_server.script = [what]
    assert deliver(notification.pk) == Status.UNKNOWN
    mail_server.release.set()
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.status == Status.UNKNOWN  # its pause is not over

    make_due(notification)
    sweeping.sweep("email")
    assert deliver(notification.pk) == Status.SENT
    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()


def test_an_address_that_bounced_gets_nothing(notification: Notification, mail_server: MailServer) -> None:
    Suppression.objects.create(
        channel="email", address="DORA@example.com", scope="all", reason=Suppression.Reason.BOUNCED
    )
    assert deliver(notification.pk) == Status.SUPPRESSED
    assert mail_server.mails == []


def test_an_obsolete_message_is_not_sent(notification: Notification, mail_server: MailServer) -> None:
    from conferences.services.registrations import decide
    from conferences.states import Action

    decide(notification.registration_id, Action.CANCEL, by=None)
    assert deliver(notification.pk) == Status.SUPPRESSED
    cancellation = Notification.objects.get(message_type="cancellation")
    assert deliver(cancellation.pk) == Status.SENT
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Your registration is cancelled: Summit"


def test_a_broken_message_fails_alone(notification: Notification, mail_server: MailServer) -> None:
    Conference.objects.update(time_zone="Nowhere/Land")
    assert deliver(notification.pk) == Status.FAILED
    notification.refresh_from_db()
    assert notification.last_error.startswith("not rendered: ZoneInfoNotFoundError")


def test_an_unknown_message_type_fails_with_its_name(
    notification: Notification, mail_server: MailServer
) -> None:
    Notification.objects.filter(pk=notification.pk).update(message_type="badge_print")
    assert deliver(notification.pk) == Status.FAILED
    notification.refresh_from_db()
    assert "badge_print" in notification.last_error


def test_rate_limited_messages_wait_without_using_attempts(
    attend: Any, mail_server: MailServer, settings: Any
) -> None:
    settings.EMAIL_RATE_PER_SECOND = 0.2
    for _ in range(2):
        attend()
    first, second = Notification.objects.order_by("id")
    assert deliver(first.pk) == Status.SENT
    before = timezone.now()
    assert deliver(second.pk) == Status.QUEUED
    second.refresh_from_db()
    assert second.attempts == 0
    assert dt.timedelta(seconds=3) < second.scheduled_for - before < dt.timedelta(seconds=6)
