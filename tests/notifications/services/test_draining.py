"""One message on the queue brings many notifications, and none waits for a message that is not coming."""

import datetime as dt
from collections.abc import Callable

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from conferences.models import Registration
from notifications.channels import CHANNELS
from notifications.models import Notification
from notifications.services import draining
from notifications.services.draining import drain, ring_bell
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db(transaction=True)
Attend = Callable[..., Registration]
EMAIL = CHANNELS["email"]


@pytest.fixture
def queue() -> redis.Redis:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(str(EMAIL.queue), "notifications:bell:email")
    return client


def waiting(queue: redis.Redis) -> int:
    return queue.llen(str(EMAIL.queue))


def test_many_registrations_ring_once(attend: Attend, queue: redis.Redis, mail_server: MailServer) -> None:
    for _ in range(5):
        attend()
    assert waiting(queue) == 1
    assert drain("email") == 5
    assert {mail["To"] for mail in mail_server.mails} == {f"dora{n}@example.com" for n in range(5)}


def test_a_registration_after_a_drain_rings_again(
    attend: Attend, queue: redis.Redis, mail_server: MailServer
) -> None:
    attend()
    drain("email")
    attend()
    assert waiting(queue) == 2
    assert drain("email") == 1


def test_what_comes_while_a_drain_reads_rings_again(attend: Attend, queue: redis.Redis) -> None:
    """The drain clears the bell before it reads, so a row is seen by it or rings for the next."""
    attend()
    queue.delete("notifications:bell:email")  # what a drain does first
    attend()
    assert waiting(queue) == 2


def test_a_drain_calls_others_while_more_wait(
    attend: Attend, queue: redis.Redis, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        attend()
    queue.delete(str(EMAIL.queue))
    monkeypatch.setattr(draining, "_DRAIN_SECONDS", 0)  # its time is over before it sends
    assert drain("email") == 0
    assert waiting(queue) == 1
    assert Notification.objects.filter(status="queued").count() == 3


def test_messages_for_later_stay_where_they_are(attend: Attend, mail_server: MailServer) -> None:
    attend()
    later = timezone.now() + dt.timedelta(hours=1)
    Notification.objects.update(scheduled_for=later)
    assert drain("email") == 0
    assert not mail_server.mails


def test_an_absent_broker_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(draining, "get_quick_redis", lambda: nowhere)
    ring_bell(EMAIL)
