"""The interface of SMS providers: sending, looking up messages of unknown fate, reading callbacks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from meeteasy.core.registry import Registry
from notifications.channels._base import Accepted, Call, Failure
from notifications.models import Notification
from notifications.rendering import Sms

if TYPE_CHECKING:
    import httpx

SMS_PROVIDERS: Registry["SmsProvider"] = Registry("notifications.channels.sms")


@dataclass(frozen=True)
class Report:
    """One line of a provider's delivery report.

    reference: our notification's id, if the provider returns it. provider_id: the provider's own id.
    delivered: None while the message is still on its way.
    """

    reference: str
    provider_id: str
    delivered: bool | None
    detail: str = ""
    unsubscribed: bool = False


class SmsProvider(ABC):
    """An SMS provider. Subclasses register an instance under `name`."""

    name: ClassVar[str]
    # Names of the settings that it requires; a system check verifies them.
    required_settings: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def send(self, notification: Notification, sms: Sms, *, call: Call) -> Accepted:
        """Hand an SMS to the provider. Raises Failure."""

    def look_up(self, notification: Notification) -> Accepted | None:
        """Ask the provider about a message that it may have. Returns None if it cannot say."""
        return None

    def read_callback(self, request: HttpRequest) -> list[Report]:
        """Read a delivery report.

        Raises PermissionDenied unless it comes from the provider, and ValueError if its format is wrong.
        """
        raise PermissionDenied(f"{self.name} has no callbacks")

    def answer_callback(self) -> HttpResponse:
        """Return the response that the provider expects for an accepted report."""
        return HttpResponse(status=204)


def register(provider: type[SmsProvider]) -> type[SmsProvider]:
    """Register a provider; a class decorator."""
    SMS_PROVIDERS.add(provider.name, provider())
    return provider


def get_provider() -> SmsProvider:
    return SMS_PROVIDERS[settings.SMS_PROVIDER]


def call_api(method: str, url: str, *, call: Call | None = None, **options: Any) -> "httpx.Response":
    """Send a request to a provider. Raises Failure if there is no answer or the answer is inconclusive.

    An SMS costs money and cannot be recalled, so its fate is unknown after any answer but a clear refusal.
    Providers send 429 and 503 before they do any work (RFC 6585 §4, RFC 9110 §15.6.4). These are about the
    provider, not about this message.
    """
    from meeteasy.core import http_client  # every process has this module, and few ever call anybody

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


def read_json(response: "httpx.Response") -> dict[str, Any]:
    """Return the JSON object of an answer. Without one, the fate of the message is unknown."""
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(
            f"HTTP {response.status_code} with an answer that is no JSON object: {response.text[:200]!r}",
            kind=Failure.UNKNOWN,
        ) from error


def _retry_after(response: "httpx.Response") -> float | None:
    """Return the header's seconds. If it is a date, our own backoff applies."""
    value = response.headers.get("retry-after", "")
    return float(min(int(value), 3600)) if value.isdecimal() and len(value) < 9 else None
