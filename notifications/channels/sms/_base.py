"""What an SMS provider does: send, look up messages in doubt, and read its own callbacks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import msgspec
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from meeteasy.core import http_client
from meeteasy.core.registry import Registry
from notifications.channels._base import Accepted, Call, Failure
from notifications.models import Notification
from notifications.rendering import Sms

SMS_PROVIDERS: Registry["SmsProvider"] = Registry("notifications.channels.sms")


@dataclass(frozen=True)
class Report:
    """One line of a provider's delivery report.

    reference: our notification's id, where the provider hands it back; provider_id: the provider's own.
    delivered: None while it is still on its way.
    """

    reference: str
    provider_id: str
    delivered: bool | None
    detail: str = ""
    unsubscribed: bool = False


class SmsProvider(ABC):
    """A provider of SMS. Subclasses register an instance under `name`."""

    name: ClassVar[str]
    # Names of the settings without which it cannot work; a system check asks for them.
    required_settings: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def send(self, notification: Notification, sms: Sms, *, call: Call) -> Accepted:
        """Raises Failure."""

    def look_up(self, notification: Notification) -> Accepted | None:
        """What the provider knows of a message that it may have; None if it does not know or cannot say."""
        return None

    def read_callback(self, request: HttpRequest) -> list[Report]:
        """What a delivery report says. Raises PermissionDenied unless it comes from the provider, and
        ValueError if it is not in the provider's format."""
        raise PermissionDenied(f"{self.name} has no callbacks")

    def answer_callback(self) -> HttpResponse:
        """The answer that the provider expects for a report that was taken."""
        return HttpResponse(status=204)


def register(provider: type[SmsProvider]) -> type[SmsProvider]:
    """Class decorator that puts a provider into the registry."""
    SMS_PROVIDERS.add(provider.name, provider())
    return provider


def get_provider() -> SmsProvider:
    return SMS_PROVIDERS[settings.SMS_PROVIDER]


def call_api(method: str, url: str, *, call: Call | None = None, **options: Any) -> httpx.Response:
    """One request to a provider. Raises Failure when there is no answer, or one that is no verdict.

    An SMS costs money and cannot be recalled, so any answer but a clear refusal leaves its fate unknown. 429
    and 503 come before any work is done (RFC 6585 §4, RFC 9110 §15.6.4); they are about the provider, not
    about this message.
    """
    if call is not None:
        call.begin()
    try:
        response = http_client.request(method, url, **options)
    except http_client.OutboundError as error:
        kind = Failure.UNKNOWN if error.reached else Failure.OUTAGE
        raise Failure(str(error), kind=kind) from error
    if response.status_code in (429, 503):
        raise Failure(
            f"HTTP {response.status_code}", kind=Failure.OUTAGE, retry_after_seconds=_retry_after(response)
        )
    if response.status_code >= 500 or response.is_redirect:
        raise Failure(f"HTTP {response.status_code}: {response.text[:300]}", kind=Failure.UNKNOWN)
    return response


def read_json(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Without one, nobody knows what became of the message."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Failure(
            f"HTTP {response.status_code} with an answer that is no JSON object: {response.text[:200]!r}",
            kind=Failure.UNKNOWN,
        ) from error


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds. For the header's other form, a date, our own backoff applies."""
    value = response.headers.get("retry-after", "")
    return float(min(int(value), 3600)) if value.isdecimal() and len(value) < 9 else None
