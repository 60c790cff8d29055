"""Unsubscribing from what is not transactional: signed addresses, and the list of suppressed addresses."""

from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.urls import reverse

from notifications.models import Notification, Suppression, normalise_address

_SALT = "notifications.unsubscribe"


def make_url(notification: Notification) -> str:
    """The address under which the recipient of this message unsubscribes; nothing else can be done with it.

    It does not expire: mails are kept for years, and their links must work.
    """
    token = signing.dumps(
        [notification.channel, notification.recipient, notification.conference_id], salt=_SALT
    )
    return settings.PUBLIC_URL + reverse("notifications-unsubscribe", args=[token])


def read_token(token: str) -> tuple[str, str, str]:
    """(channel, address, conference id). Raises django.core.signing.BadSignature."""
    channel, address, conference_id = signing.loads(token, salt=_SALT)
    return channel, address, conference_id


def suppress(*, channel: str, address: str, scope: str, reason: str, conference_id: str = "") -> None:
    """Put an address on the list; once is enough. conference_id: "" for all conferences."""
    Suppression.objects.get_or_create(
        channel=channel,
        address=normalise_address(address),
        scope=scope,
        conference_id=conference_id,
        defaults={"reason": reason},
    )


def unsuppress(*, channel: str, address: str, scope: str, conference_id: str = "") -> None:
    Suppression.objects.filter(
        channel=channel, address=normalise_address(address), scope=scope, conference_id=conference_id
    ).delete()


def find_suppression(notification: Notification, *, transactional: bool) -> Suppression | None:
    """The entry for which this message is not sent, if there is one."""
    matching = Suppression.objects.filter(
        Q(conference_id="") | Q(conference_id=notification.conference_id),
        channel=notification.channel,
        address=normalise_address(notification.recipient),
    )
    if transactional:
        matching = matching.filter(scope=Suppression.Scope.ALL)
    return matching.first()
