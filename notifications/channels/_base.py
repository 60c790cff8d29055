"""What a channel does for the outbox, and what may come of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from meeteasy.core.queues import Queue
from meeteasy.core.registry import Registry
from notifications.models import Notification

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CHANNELS: Registry["Channel"] = Registry("notifications.channels")

# Called by a channel right before the first moment at which the provider may act on the message. Raises
# when the job is not ours any more; then nothing may be sent.
OnCall = Callable[[], None]


@dataclass(frozen=True)
class Accepted:
    """The provider took the message. provider_id: its name for it, "" where it has none."""

    provider_id: str = ""
    delivered: bool = False


class Failure(Exception):
    """The message was not sent, or nobody knows.

    kind: TEMPORARY: it was not sent, and trying again later may help.
          PERMANENT: it was refused, and trying again will not help.
          UNKNOWN: the provider may have it. What then follows is the channel's policy.
    retry_after_seconds: as the provider asked, for temporary ones.
    """

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retry_after_seconds: float | None = None,
        unsubscribed: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_seconds = retry_after_seconds
        self.unsubscribed = unsubscribed  # refused because the recipient told the provider to stop


class Channel(ABC):
    """A way to a person. Subclasses register an instance under `name`."""

    name: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    queue: ClassVar[Queue]
    task_name: ClassVar[str]
    # What becomes of a message of which nobody knows whether it was sent: sent again by itself, or only on
    # a person's word.
    resends_unknown: ClassVar[bool]

    @abstractmethod
    def provider_name(self) -> str:
        """Who carries the messages, as settings have it."""

    @abstractmethod
    def rate_per_second(self) -> float:
        """At most so many messages a second over all workers; 0 for no limit."""

    @abstractmethod
    def render(self, notification: Notification) -> Any:
        """The message as the recipient will see it. Raises on an error in a template or its context."""

    @abstractmethod
    def send(self, notification: Notification, message: Any, *, on_call: OnCall) -> Accepted:
        """Hand a rendered message to the provider. Raises Failure."""

    def look_up(self, notification: Notification) -> Accepted | None:
        """Ask the provider for a message of unknown fate; None when it does not know of it, or cannot say."""
        return None


def register(channel: type[Channel]) -> type[Channel]:
    """Class decorator that puts a channel into the registry."""
    CHANNELS.add(channel.name, channel())
    return channel
