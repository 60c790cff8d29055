"""Signed links by which a recipient turns off reminders; nothing else can be done with one."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from notifications.models import Notification

_SALT = "notifications.unsubscribe"


@dataclass(frozen=True)
class Subscription:
    """What a link is about: one conference's reminders to one address. language: of the message."""

    channel: str
    address: str
    conference_id: str
    language: str


def make_url(notification: Notification) -> str:
    """The unsubscribe link of a message. It does not expire, because people keep mails for years."""
    about = [
        notification.channel,
        notification.recipient,
        notification.conference_id,
        notification.language,
    ]
    token = signing.dumps(about, salt=_SALT)
    return settings.PUBLIC_URL + reverse("notifications-unsubscribe", args=[token])


def read_token(token: str) -> Subscription:
    """What a link is about. Raises django.core.signing.BadSignature."""
    return Subscription(*signing.loads(token, salt=_SALT))
