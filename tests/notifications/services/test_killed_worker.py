"""kill -9 of a real worker between claim, send and mark. docs/notifications.md promises the outcomes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from meeteasy.core.queues import WORKER_OPTIONS, Queue
from tests.notifications.servers import MailServer, SilentServer, SmsServer
from tests.support.system import System

pytestmark = pytest.mark.processes

REGISTER = """
from conferences.models import Conference
from conferences.services.registrations import register
conference = Conference.objects.get(id="test")
for number in range({count}):
    register(conference=conference, name="Dora", email=f"dora{{number}}@example.com", phone="+8613800138000")
"""
REMIND = """
import datetime as dt
from django.utils import timezone
from conferences.models import Registration
from notifications.services import outbox
from notifications.message_types import MESSAGE_TYPES
registration = Registration.objects.select_related("conference").get(email="dora0@example.com")
starts_at = timezone.now() + dt.timedelta(hours=5)
registration.conference.starts_at = starts_at
registration.conference.save()
outbox.create(
    registration, message_type=MESSAGE_TYPES["checkin_reminder"], channel="sms", about="test",
    starts_at=starts_at.isoformat(),
)
"""
DUPLICATE = """
from meeteasy.core.jobs import ring
from notifications.channels import CHANNELS
from notifications.models import Notification
for row in Notification.objects.all():
    channel = CHANNELS[row.channel]
    ring(channel.task_name, [[str(row.pk)]] * 5, queue=channel.queue)
"""


def rows(system: System, channel: str) -> list[dict[str, Any]]:
    """Read the outbox rows from the database, from outside the process."""
    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        found = database.execute(
            "SELECT id, status, called_at, attempts, last_error FROM notifications_notification "
            "WHERE channel = ? ORDER BY id", [channel],
        )  # fmt: skip
        return [dict(row) for row in found]


def wait_for_status(system: System, channel: str, status: str, *, called: bool | None = None) -> None:
    def look() -> bool:
        (row,) = rows(system, channel)
        return row["status"] == status and (called is None or (row["called_at"] is not None) == called)

    system.wait_for(look, f"the {channel} notification to be {status}", seconds=90)


def deliver_duplicates(system: System, queue: str) -> None:
    """Queue five more messages for each row, like redeliveries, and wait until they are done."""
    client = redis.Redis.from_url(system.valkey.url)
    held = client.hlen("unacked")  # by the killed worker, until the visibility timeout ends
    system.run_code(DUPLICATE)
    system.wait_for(
        lambda: client.llen(queue) == 0 and client.hlen("unacked") <= held, "the queue to be worked off"
    )


@pytest.fixture
def impatient(system: System) -> System:
    """A system in which a killed worker's lease expires after 3 seconds instead of 150."""
    system.environment.update(NOTIFICATIONS_LEASE_SECONDS="3", OUTBOUND_TIMEOUT_SECONDS="60")
    return system


@pytest.fixture
def mail_server(impatient: System) -> Iterator[MailServer]:
    with MailServer() as server:
        impatient.environment.update(EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(server.port), EMAIL_TIMEOUT="60")
        yield server


@pytest.fixture
def sms_server(impatient: System) -> Iterator[SmsServer]:
    with SmsServer() as server:
        for name, value in server.settings().items():
            if isinstance(value, list):
                value = ",".join(value)
            elif isinstance(value, dict):
                value = ",".join(f"{key}={item}" for key, item in value.items())
            impatient.environment[name] = str(value)
        impatient.environment["OUTBOUND_TIMEOUT_SECONDS"] = "60"
        yield server


def test_a_kill_before_sending_sends_the_mail_once(impatient: System) -> None:
    silent = SilentServer()
    impatient.environment.update(EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(silent.port), EMAIL_TIMEOUT="60")
    impatient.start("email")
    impatient.run_code(REGISTER.format(count=1))
    impatient.wait_for(lambda: silent.seen, "the worker to connect to the mail server")
    wait_for_status(impatient, "email", "sending", called=False)
    impatient.kill("email")
    silent.close()

    with MailServer(port=silent.port) as server:
        impatient.start("email", "beat")
        wait_for_status(impatient, "email", "sent")
        deliver_duplicates(impatient, "notifications.email")
        assert len(server.mails) == 1


def test_a_kill_after_sending_repeats_the_message_id(impatient: System, mail_server: MailServer) -> None:
    mail_server.script = ["hang"]
    impatient.start("email")
    impatient.run_code(REGISTER.format(count=1))
    impatient.wait_for(lambda: mail_server.mails, "the mail server to have the mail")
    wait_for_status(impatient, "email", "sending", called=True)
    impatient.kill("email")

    impatient.start("email", "beat")
    wait_for_status(impatient, "email", "sent")
    deliver_duplicates(impatient, "notifications.email")
    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert rows(impatient, "email")[0]["attempts"] == 2


def test_a_kill_after_sending_does_not_repeat_an_sms(impatient: System, sms_server: SmsServer) -> None:
    impatient.environment["SMS_PROVIDER"] = "aliyun"
    kill_in_mid_send(impatient, sms_server)
    impatient.start("sms", "beat")
    wait_for_status(impatient, "sms", "sent")
    deliver_duplicates(impatient, "notifications.sms")
    assert len(sms_server.sent) == 1


def test_an_sms_unknown_to_the_provider_awaits_a_person(impatient: System, sms_server: SmsServer) -> None:
    impatient.environment["SMS_PROVIDER"] = "twilio"
    kill_in_mid_send(impatient, sms_server)
    sms_server.sent.clear()  # it never got there, or the provider's list lags behind
    impatient.start("sms", "beat")
    wait_for_status(impatient, "sms", "unknown")
    impatient.wait_for(
        lambda: any(line.startswith("GET ") for line in sms_server.requests), "a look-up at the provider"
    )
    deliver_duplicates(impatient, "notifications.sms")
    wait_for_status(impatient, "sms", "unknown")
    assert sms_server.sent == []

    impatient.run_code(
        "from notifications.services import outbox; from notifications.models import Notification; "
        "outbox.resend(Notification.objects.get(channel='sms').pk, by='a person')"
    )
    wait_for_status(impatient, "sms", "sent")
    assert len(sms_server.sent) == 1


def kill_in_mid_send(system: System, sms_server: SmsServer) -> None:
    """Kill a worker after the provider got its SMS and before the worker gets the answer."""
    sms_server.script = ["hang"]
    system.start("sms")
    system.run_code(REGISTER.format(count=1))
    system.run_code(REMIND)
    system.wait_for(lambda: sms_server.sent, "the provider to have the SMS")
    wait_for_status(system, "sms", "sending", called=True)
    system.kill("sms")


def test_a_hanging_mail_server_does_not_delay_sms(
    impatient: System, mail_server: MailServer, sms_server: SmsServer
) -> None:
    impatient.environment.update(SMS_PROVIDER="twilio", NOTIFICATIONS_LEASE_SECONDS="150")
    processes = WORKER_OPTIONS[Queue.NOTIFICATIONS_EMAIL].concurrency
    mail_server.script = ["hang"] * (processes + 2)
    impatient.start("email", "sms")
    impatient.run_code(REGISTER.format(count=processes + 2))
    # Every process of the mail worker waits for an answer.
    impatient.wait_for(lambda: len(mail_server.mails) == processes, "a mail to hang in each process")
    impatient.run_code(REMIND)
    wait_for_status(impatient, "sms", "sent")
    assert len(mail_server.mails) == processes
    mail_server.release.set()
