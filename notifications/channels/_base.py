"""The interface between the outbox and its channels."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from conferences.models import Registration
from meeteasy.core.queues import Queue
from meeteasy.core.registry import Registry
from notifications.models import Notification

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CHANNELS: Registry["Channel"] = Registry("notifications.channels")


class Call(Protocol):
    """Callbacks with which a channel reports the progress of one message to the outbox.

    Each method extends the lease by `seconds`, at least NOTIFICATIONS_LEASE_SECONDS. It raises if the message
    is no longer ours; the channel must not send anything then. A channel that waits for long calls `keep` now
    and then. So leases can be short, and an expired lease means that its worker is dead.
    """

    def keep(self, seconds: float = 0) -> None:
        """Report that we are alive and still working on the message."""

    def begin(self, seconds: float = 0) -> None:
        """Report that the provider may act on the message from now on."""


@dataclass(frozen=True)
class Accepted:
    """The provider accepted the message. provider_id: the provider's id for it, or ""."""

    provider_id: str = ""
    delivered: bool = False


class Failure(Exception):
    """The message was not sent, or its fate is unknown.

    kind: TEMPORARY: it was not sent, and a later attempt may help.
          PERMANENT: it was refused, and another attempt will not help.
          UNKNOWN: the provider may have it. The channel decides what happens next.
          OUTAGE: it was not sent, and that is not about this message: the provider cannot be reached, or
              refuses our account or sender. The whole channel pauses, and the message loses no attempt.
    retry_after_seconds: the wait that the provider asked for, if it did.
    needs_attention: for an outage that only a person can end.
    confirmed: False for an outage that may be about this recipient only. The channel does not pause until
        another recipient has the same failure.
    unsubscribed: the recipient told the provider to stop.
    """

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"
    OUTAGE = "outage"

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retry_after_seconds: float | None = None,
        needs_attention: bool = False,
        confirmed: bool = True,
        unsubscribed: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_seconds = retry_after_seconds
        self.needs_attention = needs_attention
        self.confirmed = confirmed
        self.unsubscribed = unsubscribed


class Rendered(Protocol):
    """A message as its recipient will see it. sent_text: the part that the outbox keeps."""

    @property
    def sent_text(self) -> str: ...


class Channel(ABC):
    """A channel to a person. Subclasses register an instance under `name`."""

    name: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    queue: ClassVar[Queue]
    task_name: ClassVar[str]
    drain_task_name: ClassVar[str]
    # Whether a message of unknown fate is resent automatically, or only when a person asks for it.
    resends_unknown: ClassVar[bool]

    @abstractmethod
    def provider_name(self) -> str:
        """Name of the provider in the settings."""

    @abstractmethod
    def rate_per_second(self) -> float:
        """Number of messages a second that all workers together may send; 0 for no limit."""

    @abstractmethod
    def render(self, notification: Notification, registration: Registration, *, sequence: int) -> Any:
        """Return the message (`Rendered`). Raises on an error in a template or its context.

        registration: its conference is loaded. sequence: SEQUENCE of the conference's calendar entry.
        """

    @abstractmethod
    def send(self, notification: Notification, message: Any, *, call: Call) -> Accepted:
        """Hand a rendered message to the provider. Raises Failure."""

    def look_up(self, notification: Notification) -> Accepted | None:
        """Ask the provider about a message of unknown fate. Returns None if it cannot say."""
        return None


def register(channel: type[Channel]) -> type[Channel]:
    """Register a channel; a class decorator."""
    CHANNELS.add(channel.name, channel())
    return channel
