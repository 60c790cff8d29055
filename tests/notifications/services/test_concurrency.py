"""Several workers compete for a message, and one sends it. A control shows what the claim prevents."""

from typing import Any

import pytest
from django.utils import timezone

from meeteasy.core import jobs
from notifications.channels import Accepted
from notifications.models import Notification
from notifications.services import reporting, sweeping
from notifications.services.delivering import _Delivery, deliver
from tests.notifications.servers import MailServer
from tests.support.together import make_naive_claim, run_together

Status = Notification.Status
WORKERS = 6


@pytest.mark.django_db(transaction=True)
def test_concurrent_tasks_send_one_mail(notification: Notification, mail_server: MailServer) -> None:
    results = run_together(lambda: deliver(notification.pk), threads=WORKERS)
    assert sorted(results, key=str) == [None] * (WORKERS - 1) + [Status.SENT]
    assert len(mail_server.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_claim_several_mails_are_sent(
    notification: Notification, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the control check the lease again before the call."""
    look_then_write = make_naive_claim(Notification, workers=WORKERS)
    monkeypatch.setattr("notifications.services.delivering.claim", look_then_write)
    monkeypatch.setattr("notifications.services.delivering.update_claimed", lambda rows, **changes: True)
    run_together(lambda: deliver(notification.pk), threads=WORKERS)
    assert len(mail_server.mails) > 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_without_its_lease_sends_nothing(
    notification: Notification, mail_server: MailServer, settings: Any
) -> None:
    """The worker sleeps between claim and call; meanwhile the sweeper gives the message to another one."""
    token = jobs.claim(Notification.objects.all(), pk=notification.pk, lease_seconds=0, status=Status.SENDING)
    assert token is not None
    sleeper = _Delivery(Notification.objects.get(), token)
    sweeping.sweep("email")
    assert deliver(notification.pk) == Status.SENT
    assert sleeper.run(timezone.now()) is None
    assert len(mail_server.mails) == 1


@pytest.mark.django_db
def test_a_slow_answer_does_not_undo_a_report(notification: Notification, mail_server: MailServer) -> None:
    token = jobs.claim(
        Notification.objects.all(), pk=notification.pk, lease_seconds=100, status=Status.SENDING
    )
    assert token is not None
    reporting.note_delivered(Notification.objects.get(), provider_id="")
    _Delivery(Notification.objects.get(), token)._mark_accepted(Accepted(provider_id="esp-1"))
    notification.refresh_from_db()
    assert (notification.status, notification.provider_id) == (Status.DELIVERED, "esp-1")
