"""The SMTP dialogue: waits, refusals of our server or sender, non-ASCII addresses."""

import time
from typing import Any

import pytest
from django.utils import timezone

from meeteasy.core import jobs
from notifications.channels import Failure
from notifications.channels._smtp import judge_reply
from notifications.checks import check_answer_timeout
from notifications.models import Notification, Outage
from notifications.services.delivering import LeaseLostError, _Call, deliver
from notifications.tasks import SEND_EMAIL_SECONDS
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Status = Notification.Status


def test_a_slow_final_answer_is_awaited(
    notification: Notification, mail_server: MailServer, settings: Any
) -> None:
    """EMAIL_TIMEOUT is for connecting. RFC 5321 §4.5.3.2.6 allows ten minutes for the last answer."""
    settings.EMAIL_TIMEOUT, settings.EMAIL_ANSWER_TIMEOUT = 1, 600
    settings.NOTIFICATIONS_LEASE_SECONDS = 2  # renewed while we wait, so the sweeper ignores the message
    mail_server.script = ["slow 3"]
    began = time.monotonic()
    assert deliver(notification.pk) == Status.SENT
    assert time.monotonic() - began >= 3
    assert len(mail_server.mails) == 1


def test_the_default_wait_suits_rfc_and_task(settings: Any) -> None:
    assert settings.EMAIL_ANSWER_TIMEOUT >= 600
    assert check_answer_timeout(None) == []
    settings.EMAIL_ANSWER_TIMEOUT = SEND_EMAIL_SECONDS
    assert [error.id for error in check_answer_timeout(None)] == ["notifications.E004"]


def test_the_lease_covers_the_wait(notification: Notification) -> None:
    """Otherwise the sweeper would consider the waiting worker dead and send the mail again."""
    token = jobs.claim(
        Notification.objects.all(), pk=notification.pk, lease_seconds=150, status=Status.SENDING
    )
    assert token is not None
    call = _Call(notification, token, provider="smtp", sent_text="")
    for step, seconds in ((call.keep, 360), (call.begin, 840), (call.keep, 150)):
        step(seconds)
        notification.refresh_from_db()
        assert notification.lease_until is not None
        left = (notification.lease_until - timezone.now()).total_seconds()
        assert seconds - 10 < left <= seconds
    Notification.objects.update(lease_token="somebody else's")
    with pytest.raises(LeaseLostError):
        call.keep()


@pytest.mark.parametrize("answer", ["530 5.7.0 sign in first", "550 no such sender", "553 not owned by you"])
def test_a_refused_sender_does_not_use_up_attempts(
    notification: Notification, mail_server: MailServer, answer: str
) -> None:
    mail_server.refuse_sender = answer
    assert deliver(notification.pk) == Status.QUEUED
    notification.refresh_from_db()
    assert notification.last_error == f"outage: {answer}"
    assert (notification.attempts, notification.called_at) == (0, None)
    outage = Outage.objects.get()
    assert (outage.channel, outage.needs_attention) == ("email", True)


def test_an_oversized_mail_fails_permanently(notification: Notification, mail_server: MailServer) -> None:
    mail_server.refuse_sender = "552 5.3.4 message too big"
    assert deliver(notification.pk) == Status.FAILED
    assert not Outage.objects.exists()


SENDER = "noreply@meet.example"


@pytest.mark.parametrize(
    ("code", "text", "kind", "needs_attention"),
    [
        (450, "4.2.1 try later", Failure.TEMPORARY, False),
        (421, "4.3.2 shutting down", Failure.OUTAGE, False),
        (550, "5.1.1 <dora@example.com>: no such user", Failure.PERMANENT, False),
        (552, "5.2.2 mailbox full", Failure.PERMANENT, False),
        (554, "5.7.1 spam", Failure.PERMANENT, False),
        # Postfix and others refuse the sender only once they know the recipient.
        (530, "5.7.0 Must issue a STARTTLS command first", Failure.OUTAGE, True),
        (535, "5.7.8 bad credentials", Failure.OUTAGE, True),
        (550, "5.1.8 <noreply@meet.example>: Domain not found", Failure.OUTAGE, True),
        (
            553,
            "5.7.1 <noreply@meet.example>: Sender address rejected",
            Failure.OUTAGE,
            True,
        ),
        (554, "5.7.1 <dora@example.com>: Relay access denied", Failure.OUTAGE, True),
        (550, "5.7.26 unauthenticated mail from meet.example", Failure.OUTAGE, True),
        (550, "5.7.23 SPF validation failed", Failure.OUTAGE, True),
        (550, "[203.5.1.8] does not like it: 5.1.1 no such user", Failure.PERMANENT, False),
    ],
)
def test_replies_about_us_are_recognised(code: int, text: str, kind: str, needs_attention: bool) -> None:
    failure = judge_reply(code, text, sender=SENDER)
    assert (failure.kind, failure.needs_attention) == (kind, needs_attention)


def test_domains_are_sent_in_idna_2008_form(attend: Any, mail_server: MailServer) -> None:
    attend(email="s@straße.example")
    assert deliver(Notification.objects.get().pk) == Status.SENT
    assert mail_server.envelopes[0].rcpt_tos == ["s@xn--strae-oqa.example"]
    assert mail_server.mails[0]["To"] == "s@xn--strae-oqa.example"


def test_smtputf8_delivers_a_non_ascii_local_part_unchanged(attend: Any, mail_server: MailServer) -> None:
    attend(email="用户@例え.jp", name="多拉")
    assert deliver(Notification.objects.get().pk) == Status.SENT
    (envelope,) = mail_server.envelopes
    assert envelope.rcpt_tos == ["用户@xn--r8jz45g.jp"]
    assert "SMTPUTF8" in envelope.mail_options
    (mail,) = mail_server.mails
    assert mail["To"] == "用户@xn--r8jz45g.jp"
    assert mail.get_all("To") == [mail["To"]]
    assert "多拉" in mail.get_body(("plain",)).get_content()


def test_a_server_without_smtputf8_fails_such_mail(attend: Any, settings: Any) -> None:
    attend(email="用户@example.com")
    (row,) = Notification.objects.all()
    with MailServer(smtputf8=False) as server:
        settings.EMAIL_BACKEND = "notifications.channels._smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert deliver(row.pk) == Status.FAILED
        assert server.mails == []
    row.refresh_from_db()
    assert "SMTPUTF8" in row.last_error


def test_leading_dots_are_preserved(attend: Any, mail_server: MailServer, conference: Any) -> None:
    conference.venue = ".dot"
    conference.save()
    attend(name=".")
    assert deliver(Notification.objects.get().pk) == Status.SENT
    assert "Dear .," in mail_server.mails[0].get_body(("plain",)).get_content()
    raw = mail_server.envelopes[0].content
    assert b"\r\n.\r\n" not in raw
