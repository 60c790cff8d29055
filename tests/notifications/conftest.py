"""Fixtures: registrations with outbox rows, and mail and SMS servers on the loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from conferences.models import Conference, Registration
from conferences.services.registrations import register
from notifications.models import Notification
from tests.notifications.servers import MailServer, SmsServer


@pytest.fixture
def attend(conference: Conference) -> Callable[..., Registration]:
    """`attend(name="Dora")` registers Dora through the same service as the form."""

    def attend(**fields: Any) -> Registration:
        number = Registration.objects.count()
        fields = {"name": "Dora", "email": f"dora{number}@example.com", "phone": "+8613800138000", **fields}
        return register(conference=conference, **fields).registration

    return attend


@pytest.fixture
def notification(attend: Callable[..., Registration]) -> Notification:
    """A queued registration confirmation by mail."""
    attend(email="dora@example.com")
    return Notification.objects.get()


@pytest.fixture
def sms(attend: Callable[..., Registration]) -> Notification:
    """A queued reminder by SMS."""
    return make_sms(attend())


def make_sms(registration: Registration, **fields: Any) -> Notification:
    from notifications.message_types import MESSAGE_TYPES
    from notifications.services import outbox

    conference = registration.conference
    if conference.starts_at is None:
        conference.starts_at = timezone.now() + timezone.timedelta(hours=20)
        conference.save()
    about = str(Notification.objects.count())
    (made,) = outbox.create(
        registration,
        message_type=MESSAGE_TYPES["checkin_reminder"],
        channel="sms",
        about=about,
        hours_before=24,
        starts_at=conference.starts_at.isoformat(),
        **fields,
    )
    return made


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server that the test controls."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "notifications.channels._smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = settings.EMAIL_ANSWER_TIMEOUT = 2
        yield server


@pytest.fixture
def sms_server(settings: Any) -> Iterator[SmsServer]:
    """A loopback server with Twilio's and Aliyun's APIs. The settings point both providers to it."""
    with SmsServer() as server:
        for name, value in server.settings().items():
            setattr(settings, name, value)
        yield server
