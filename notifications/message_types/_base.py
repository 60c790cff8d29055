"""What every message type has: when it is due, over which channels, and what its templates get."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings

from conferences.models import Conference, Registration
from meeteasy.core.registry import Registry
from notifications.models import Notification

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = Registration.State
MESSAGE_TYPES: Registry["MessageType"] = Registry("notifications.message_types")


class UnknownMessageTypeError(LookupError):
    """A row names a message type that this release does not have."""


class MessageType:
    """Base of the message types. Subclasses register an instance under `key`.

    transactional: the answer to something that the person did. What is not may be unsubscribed from, and
        waits for the end of the conference's quiet hours.
    states: the message makes sense only while the registration is in one of these; it is suppressed when
        something overtook it.
    has_badge: the mail shows the check-in code's QR picture. has_calendar: an .ics file is attached.
    example: what the templates get beside the conference and the name, for previews and tests.
    """

    key: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    channels: ClassVar[Sequence[str]] = ("email",)
    transactional: ClassVar[bool] = True
    states: ClassVar[frozenset[str]] = frozenset(State)
    has_badge: ClassVar[bool] = False
    has_calendar: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {}

    def follows(self, previous: str | None, state: str) -> bool:
        """Whether it tells that a registration went from `previous` (None: it is new) to `state`."""
        return False

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        """When the message has become pointless, e.g. a reminder of what is over."""
        return conference.ends_at

    def sms_parameters(self, context: dict[str, Any]) -> dict[str, str]:
        """Values for providers whose texts are templates of their own, such as Aliyun. Only for SMS."""
        raise NotImplementedError(f"{self.key} has no SMS")


def register(message_type: type[MessageType]) -> type[MessageType]:
    """Class decorator that puts a message type into the registry."""
    MESSAGE_TYPES.add(message_type.key, message_type())
    return message_type


def get_message_type(notification: Notification) -> MessageType:
    found = MESSAGE_TYPES.get(notification.message_type)
    if found is None:
        raise UnknownMessageTypeError(f"there is no message type {notification.message_type!r}")
    return found


def make_context(registration: Registration, **facts: Any) -> dict[str, Any]:
    """What the templates get, as JSON: fixed when the message is made, so that a second copy says the same.

    Times are ISO 8601 in UTC; they become datetimes again in the conference's zone when rendered.
    """
    conference = registration.conference
    return {
        "name": registration.name,
        "registration_id": registration.id,
        "conference": {
            "id": conference.id,
            "name": conference.name,
            "venue": conference.venue,
            "time_zone": conference.time_zone,
            "starts_at": conference.starts_at and conference.starts_at.isoformat(),
            "ends_at": conference.ends_at and conference.ends_at.isoformat(),
            "url": f"{settings.PUBLIC_URL}/conf/{conference.id}",
        },
        **facts,
    }


def make_sample_context(message_type: MessageType) -> dict[str, Any]:
    """A made-up recipient of a made-up conference."""
    return {
        "name": "Zhang Wei 张伟",
        "registration_id": "sample",
        "conference": {
            "id": "sample",
            "name": "Shanghai Summit 2027 上海峰会",
            "venue": "Expo Center, 1500 Shibo Avenue 世博中心",
            "time_zone": "Asia/Shanghai",
            "starts_at": "2027-05-18T01:00:00+00:00",
            "ends_at": "2027-05-20T09:30:00+00:00",
            "url": f"{settings.PUBLIC_URL}/conf/sample",
        },
        **message_type.example,
    }
