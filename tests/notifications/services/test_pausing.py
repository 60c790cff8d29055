"""A channel pauses when its provider is unreachable or refuses us. No message is lost."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from notifications.models import Notification, Outage
from notifications.selectors.outages import find_pause
from notifications.services import sweeping
from notifications.services.delivering import MAX_ATTEMPTS, deliver
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Status = Notification.Status


def later() -> None:
    """End the pause and make every message due."""
    Outage.objects.update(paused_until=timezone.now())
    Notification.objects.update(scheduled_for=timezone.now())


def test_no_mail_is_lost_in_a_long_outage(attend: Any, mail_server: MailServer) -> None:
    for _ in range(5):
        attend()
    rows = list(Notification.objects.order_by("id"))
    mail_server.refuse_sender = "550 5.7.1 sender blocked"
    for _ in range(MAX_ATTEMPTS + 2):
        assert {deliver(row.pk) for row in rows} <= {Status.QUEUED, None}
        later()
    assert set(Notification.objects.values_list("status", "attempts")) == {(Status.QUEUED, 0)}
    assert Outage.objects.get().failures == MAX_ATTEMPTS + 2  # one message failed each time
    mail_server.refuse_sender = ""
    assert [deliver(row.pk) for row in rows] == [Status.SENT] * 5
    assert not Outage.objects.exists()


def test_a_paused_server_gets_no_requests(attend: Any, mail_server: MailServer) -> None:
    for _ in range(2):
        attend()
    first, second = Notification.objects.order_by("id")
    mail_server.refuse_sender = "530 no"
    deliver(first.pk)
    mail_server.refuse_sender = ""
    assert deliver(second.pk) == Status.QUEUED
    second.refresh_from_db()
    assert second.scheduled_for == Outage.objects.get().paused_until
    assert mail_server.mails == []


def test_pauses_grow_to_ten_minutes(attend: Any, mail_server: MailServer) -> None:
    attend()
    (row,) = Notification.objects.all()
    mail_server.refuse_sender = "530 no"
    pauses = []
    for _ in range(10):
        before = timezone.now()
        deliver(row.pk)
        pauses.append((Outage.objects.get().paused_until - before).total_seconds())
        later()
    assert 14 < pauses[0] < 46
    assert 190 < pauses[-1] < 601


def test_a_mail_pause_does_not_delay_sms(
    notification: Notification, sms: Notification, mail_server: MailServer
) -> None:
    mail_server.refuse_sender = "530 no"
    deliver(notification.pk)
    assert deliver(sms.pk) == Status.SENT


def test_the_sweeper_queues_paused_messages_on_time(
    notification: Notification, mail_server: MailServer
) -> None:
    mail_server.refuse_sender = "530 no"
    deliver(notification.pk)
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.rung_at is None
    assert notification.scheduled_for > timezone.now() + dt.timedelta(seconds=10)
    later()
    sweeping.sweep("email")
    notification.refresh_from_db()
    assert notification.rung_at is not None


DELAYED = "553 5.7.1 <noreply@localhost>: Sender address rejected: not owned by user"


def test_a_sender_refused_after_rcpt_pauses_the_channel(attend: Any, mail_server: MailServer) -> None:
    """Postfix' smtpd_delay_reject, its default."""
    for _ in range(5):
        attend()
    rows = list(Notification.objects.order_by("id"))
    mail_server.refuse_recipient = DELAYED
    assert [deliver(row.pk) for row in rows[:2]] == [Status.QUEUED] * 2
    assert Outage.objects.get().paused_until > timezone.now()  # the second one proves it
    for _ in range(MAX_ATTEMPTS + 2):
        later()
        assert {deliver(row.pk) for row in rows} <= {Status.QUEUED, None}
    mail_server.refuse_recipient = ""
    later()
    assert [deliver(row.pk) for row in rows] == [Status.SENT] * 5


def test_failures_of_one_recipient_do_not_pause_mail(attend: Any, mail_server: MailServer) -> None:
    for _ in range(2):
        attend()
    poison, other = Notification.objects.order_by("id")
    waits = []
    for _ in range(4):
        before = timezone.now()
        mail_server.refuse_recipient = "550 5.7.1 relaying denied"
        assert deliver(poison.pk) == Status.QUEUED
        poison.refresh_from_db()
        waits.append((poison.scheduled_for - before).total_seconds())
        assert find_pause("email", timezone.now()) is None
        Notification.objects.filter(pk=poison.pk).update(scheduled_for=timezone.now())
    assert waits[3] > waits[0]
    mail_server.refuse_recipient = ""
    assert deliver(other.pk) == Status.SENT
    assert not Outage.objects.exists()
