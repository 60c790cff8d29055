"""Signed links that turn off a recipient's reminders. They allow nothing else."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from notifications.models import Notification

_SALT = "notifications.unsubscribe"


@dataclass(frozen=True)
class Subscription:
    """The subject of a link: a conference's reminders to an address. language: the message's language."""

    channel: str
    address: str
    conference_id: str
    language: str


def make_url(notification: Notification) -> str:
    """Return the unsubscribe link of a message. It does not expire, because people keep mails for years."""
    about = [
        notification.channel,
        notification.recipient,
        notification.conference_id,
        notification.language,
    ]
    token = signing.dumps(about, salt=_SALT)
    return settings.PUBLIC_URL + reverse("notifications-unsubscribe", args=[token])


def read_token(token: str) -> Subscription:
    """Return the subject of a link. Raises django.core.signing.BadSignature."""
    return Subscription(*signing.loads(token, salt=_SALT))
