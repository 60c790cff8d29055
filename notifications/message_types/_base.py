"""Base class and registry of the message types."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

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

    transactional: the message answers something that the person did, or is news that they must have. People
        can unsubscribe from other messages, which also wait for the end of the conference's quiet hours.
    states: the message makes sense only while the registration is in one of these states.
    outlives_conference: the message is sent even after the conference was cancelled.
    has_badge: the mail shows the check-in code's QR picture.
    calendar_method: an .ics file is attached with this iTIP method (RFC 5546): REQUEST puts the conference
        into the attendee's calendar or changes the entry; CANCEL removes it. Empty: no file.
    repeats_unknown: the channel may send the message again if nobody knows whether it went out.
    example: the message's own facts, for previews and tests.
    """

    key: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    channels: ClassVar[Sequence[str]] = ("email",)
    transactional: ClassVar[bool] = True
    states: ClassVar[frozenset[str]] = frozenset(State)
    outlives_conference: ClassVar[bool] = False
    has_badge: ClassVar[bool] = False
    calendar_method: ClassVar[str] = ""
    repeats_unknown: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {}

    def follows(self, previous: str | None, state: str) -> bool:
        """Whether the message announces a registration's change from `previous` (None: new) to `state`."""
        return False

    def read_facts(self, notification: Notification, registration: Registration) -> dict[str, Any]:
        """Return what the templates get besides the registration and the conference."""
        return dict(notification.facts)

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        """Return when the message becomes pointless, e.g. a reminder of a conference that is over."""
        return conference.ends_at

    def find_obstacle(
        self, notification: Notification, registration: Registration, *, now: dt.datetime
    ) -> str | None:
        """Return why the message no longer makes sense, or None. Called right before it is sent."""
        if registration.state not in self.states:
            return f"overtaken: the registration is {registration.state}"
        expires_at = self.expires_at(registration.conference)
        if not notification.on_request and expires_at is not None and expires_at <= now:
            return "it came too late to be of use"
        return None

    def sms_parameters(self, context: dict[str, Any]) -> dict[str, str]:
        """Return the values for SMS providers with their own text templates, such as Aliyun."""
        raise NotImplementedError(f"{self.key} has no SMS")


def register(message_type: type[MessageType]) -> type[MessageType]:
    """Register a message type; a class decorator."""
    MESSAGE_TYPES.add(message_type.key, message_type())
    return message_type


def get_message_type(notification: Notification) -> MessageType:
    """Return the type of a message. Raises UnknownMessageTypeError."""
    found = MESSAGE_TYPES.get(notification.message_type)
    if found is None:
        raise UnknownMessageTypeError(f"there is no message type {notification.message_type!r}")
    return found
