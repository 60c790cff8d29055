"""Twilio's Programmable Messaging: https://www.twilio.com/docs/messaging/api/message-resource

Twilio does not accept a reference of ours for a message. We put it into the address of the status callback,
so that a report names the notification even if a crash lost its sid. `look_up` finds a message by its
recipient, its text and the time.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from notifications.channels._base import Accepted, Call, Failure
from notifications.channels.sms._base import Report, SmsProvider, call_api, read_json, register
from notifications.models import Notification
from notifications.rendering import Sms

# "Attempt to send to unsubscribed recipient": they answered STOP.
_UNSUBSCRIBED = 21610
# `From` is invalid, is not ours, cannot send SMS, or has no permission.
_ABOUT_OUR_SENDER = {21212, 21603, 21606, 21659, 21660, 21661}
_ARRIVED = {"delivered", "read"}
_LOST = {"failed", "undelivered", "canceled"}
# Our clock and theirs may differ.
_CLOCK_TOLERANCE = dt.timedelta(minutes=5)


@register
class TwilioProvider(SmsProvider):
    name: ClassVar[str] = "twilio"
    required_settings: ClassVar[Sequence[str]] = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")

    def send(self, notification: Notification, sms: Sms, *, call: Call) -> Accepted:
        sender = settings.TWILIO_FROM
        form = {
            "To": notification.recipient,
            # A messaging service is named by its sid; anything else is a number or an alphanumeric sender.
            ("MessagingServiceSid" if sender.startswith("MG") and len(sender) == 34 else "From"): sender,
            "Body": sms.text,
            "StatusCallback": callback_url(str(notification.id)),
        }
        response = call_api("POST", _messages_url(), call=call, auth=_auth(), data=form)
        answer = read_json(response)
        if response.status_code >= 400:
            code = answer.get("code")
            about_us = response.status_code in (401, 403) or code in _ABOUT_OUR_SENDER
            temporary = Failure.TEMPORARY if response.status_code == 408 else Failure.PERMANENT
            raise Failure(
                f"{code} {answer.get('message')}",
                kind=Failure.OUTAGE if about_us else temporary,
                needs_attention=about_us,
                unsubscribed=code == _UNSUBSCRIBED,
            )
        sid = answer.get("sid")
        if not isinstance(sid, str) or not sid:
            raise Failure(
                f"HTTP {response.status_code} without a sid: {response.text[:200]}", kind=Failure.UNKNOWN
            )
        return Accepted(provider_id=sid)

    def look_up(self, notification: Notification) -> Accepted | None:
        if notification.called_at is None:
            return None
        earliest = notification.called_at - _CLOCK_TOLERANCE
        # DateSent is a GMT day; a message that still waits there has none yet and is found a little later.
        query = {"To": notification.recipient, "DateSent>": earliest.strftime("%Y-%m-%d"), "PageSize": "50"}
        answer = read_json(call_api("GET", _messages_url(), auth=_auth(), params=query))
        taken = _ids_of_others(notification)
        messages = answer.get("messages")
        for message in messages if isinstance(messages, list) else ():
            created = _parse_date(message.get("date_created"))
            if (
                message.get("body") == notification.sent_text
                and message.get("to") == notification.recipient
                and created is not None
                and created >= earliest
                and message.get("sid") not in taken
            ):
                return Accepted(provider_id=str(message["sid"]), delivered=message.get("status") in _ARRIVED)
        return None

    def read_callback(self, request: HttpRequest) -> list[Report]:
        url = settings.PUBLIC_URL + request.get_full_path()
        given = request.headers.get("X-Twilio-Signature", "")
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        if not settings.TWILIO_AUTH_TOKEN or not hmac.compare_digest(
            given.encode(), make_signature(url, fields, token=settings.TWILIO_AUTH_TOKEN).encode()
        ):
            raise PermissionDenied("X-Twilio-Signature is missing or wrong")
        status, sid = request.POST.get("MessageStatus", ""), request.POST.get("MessageSid", "")
        if not status or not sid:
            raise ValueError("MessageStatus and MessageSid are required")
        error = request.POST.get("ErrorCode", "")
        return [
            Report(
                reference=request.GET.get("notification", ""),
                provider_id=sid,
                delivered=True if status in _ARRIVED else False if status in _LOST else None,
                detail=f"{status} {error}".strip(),
                unsubscribed=error == str(_UNSUBSCRIBED),
            )
        ]


def make_signature(url: str, fields: Iterable[tuple[str, str]], *, token: str) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1 in Base64 of the address and the sorted fields' names and values.

    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def callback_url(reference: str) -> str:
    path = reverse("notifications-sms-callback", args=[TwilioProvider.name])
    return f"{settings.PUBLIC_URL}{path}?{urlencode({'notification': reference})}"


def _messages_url() -> str:
    return f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"


def _auth() -> tuple[str, str]:
    return settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN


def _ids_of_others(notification: Notification) -> set[str]:
    """Return the ids of messages to the same number that belong to other notifications."""
    return set(
        Notification.objects.filter(recipient=notification.recipient, provider=TwilioProvider.name)
        .exclude(pk=notification.pk)
        .exclude(provider_id="")
        .values_list("provider_id", flat=True)
    )


def _parse_date(value: Any) -> dt.datetime | None:
    """Parse an RFC 2822 date, the format of Twilio's API."""
    try:
        parsed = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
