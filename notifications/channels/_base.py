"""What a channel does for the outbox, and what may come of it."""

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
    """The way of one message to its provider, as far as the outbox must know. Each method keeps the lease
    for that many seconds, and raises if the message is not ours any more; then nothing may be sent."""

    def prepare(self, seconds: float) -> None:
        """A step follows in which the provider cannot act on the message yet."""

    def begin(self, seconds: float | None = None) -> None:
        """From here on the provider may act on the message. None: as long as a task may run."""


@dataclass(frozen=True)
class Accepted:
    """The provider took the message. provider_id: its name for it, "" where it has none."""

    provider_id: str = ""
    delivered: bool = False


class Failure(Exception):
    """The message was not sent, or nobody knows.

    kind: TEMPORARY: it was not sent, and a later attempt may help.
          PERMANENT: it was refused, and another attempt will not help.
          UNKNOWN: the provider may have it. The channel says what follows.
          OUTAGE: it was not sent, and that is not about this message: the provider cannot be reached, or
              refuses our account or sender. The whole channel pauses, and the message loses no attempt.
    retry_after_seconds: as the provider asked, if it did.
    needs_attention: for an outage that only a person can end.
    confirmed: False for an outage that may be this recipient's after all; another recipient must meet it
        before the channel pauses.
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
    """A message as its recipient will see it. sent_text: what the outbox keeps of it."""

    @property
    def sent_text(self) -> str: ...


class Channel(ABC):
    """A way to a person. Subclasses register an instance under `name`."""

    name: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    queue: ClassVar[Queue]
    task_name: ClassVar[str]
    # Whether a message that may or may not have been sent is sent again by itself, or only when a person
    # asks for it.
    resends_unknown: ClassVar[bool]

    @abstractmethod
    def provider_name(self) -> str:
        """The provider that the settings name."""

    @abstractmethod
    def rate_per_second(self) -> float:
        """How many messages a second all workers may send together; 0 for no limit."""

    @abstractmethod
    def render(self, notification: Notification, registration: Registration, *, sequence: int) -> Any:
        """The message (`Rendered`). Raises on an error in a template or its context.

        registration: with its conference. sequence: of the conference's calendar entry.
        """

    @abstractmethod
    def send(self, notification: Notification, message: Any, *, call: Call) -> Accepted:
        """Hand a rendered message to the provider. Raises Failure."""

    def look_up(self, notification: Notification) -> Accepted | None:
        """Ask the provider about a message of unknown fate; None if it does not know it or cannot say."""
        return None


def register(channel: type[Channel]) -> type[Channel]:
    """Class decorator that puts a channel into the registry."""
    CHANNELS.add(channel.name, channel())
    return channel
