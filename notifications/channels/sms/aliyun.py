"""Aliyun SMS (Dysmsapi 2017-05-25) through its public HTTP API.

https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms
https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature

Texts are templates that Aliyun has approved: ALIYUN_SMS_TEMPLATES maps message type and language to a
template code, and the message type gives the parameters. SendSms is not idempotent (its page says so), but
it takes a reference of ours, OutId. QuerySendDetails and the delivery reports return it.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse

from notifications.channels._base import Accepted, Call, Failure
from notifications.channels.sms._base import Report, SmsProvider, call_api, read_json, register
from notifications.models import Notification
from notifications.rendering import Sms

_VERSION = "2017-05-25"
_CHINA = ZoneInfo("Asia/Shanghai")  # the day that QuerySendDetails asks for
# SendStatus: 1 waiting for the carrier's report, 2 failed, 3 delivered.
_FAILED, _DELIVERED = 2, 3
# Flow control for one number, and internal errors of the provider.
_TEMPORARY = {"isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR"}
# These are about our account, not about this message: a temporary limit, or a state that a person must fix.
_LIMITED = {"isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "ServiceUnavailable"}
_ACCOUNT = {"isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH", "isp.RAM_PERMISSION_DENY", "isv.ACCOUNT_ABNORMAL"}


@register
class AliyunProvider(SmsProvider):
    name: ClassVar[str] = "aliyun"
    required_settings: ClassVar[Sequence[str]] = (
        "ALIYUN_ACCESS_KEY_ID",
        "ALIYUN_ACCESS_KEY_SECRET",
        "ALIYUN_SMS_SIGN_NAME",
        "ALIYUN_SMS_TEMPLATES",
    )

    def send(self, notification: Notification, sms: Sms, *, call: Call) -> Accepted:
        name = f"{notification.message_type}.{sms.language}"
        template = settings.ALIYUN_SMS_TEMPLATES.get(name)
        if template is None:
            raise Failure(f"ALIYUN_SMS_TEMPLATES has no template for {name}", kind=Failure.PERMANENT)
        parameters = {
            "PhoneNumbers": _number(notification.recipient),
            "SignName": settings.ALIYUN_SMS_SIGN_NAME,
            "TemplateCode": template,
            "TemplateParam": msgspec.json.encode(sms.parameters).decode(),
            "OutId": notification.id.hex,
        }
        answer = _call("SendSms", parameters, call=call)
        code = answer.get("Code")
        if code == "OK":
            return Accepted(provider_id=str(answer.get("BizId") or ""))
        if not isinstance(code, str):
            raise Failure(f"an answer without Code: {answer}", kind=Failure.UNKNOWN)
        needs_attention = code in _ACCOUNT or code.startswith(("Signature", "InvalidAccessKeyId"))
        kind = Failure.PERMANENT
        if needs_attention or code in _LIMITED or code.startswith("Throttling"):
            kind = Failure.OUTAGE
        elif code in _TEMPORARY:
            kind = Failure.TEMPORARY
        raise Failure(f"{code}: {answer.get('Message')}", kind=kind, needs_attention=needs_attention)

    def look_up(self, notification: Notification) -> Accepted | None:
        if notification.called_at is None:
            return None
        first = notification.called_at.astimezone(_CHINA).date()
        for day in (first, first + dt.timedelta(days=1)):  # called just before midnight, sent after it
            parameters = {
                "PhoneNumber": _number(notification.recipient),
                "SendDate": day.strftime("%Y%m%d"),
                "PageSize": "50",
                "CurrentPage": "1",
            }
            answer = _call("QuerySendDetails", parameters)
            listed = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
            for detail in listed:
                if detail.get("OutId") == notification.id.hex:
                    return Accepted(delivered=detail.get("SendStatus") == _DELIVERED)
        return None

    def read_callback(self, request: HttpRequest) -> list[Report]:
        """SmsReport: https://help.aliyun.com/zh/sms/developer-reference/smsreport-2

        Aliyun does not sign its reports, so the address carries a secret:
        `…/callbacks/sms/aliyun?token=<ALIYUN_SMS_CALLBACK_TOKEN>`. Set it in Aliyun's console, with https.
        """
        token = settings.ALIYUN_SMS_CALLBACK_TOKEN
        if not token or not hmac.compare_digest(request.GET.get("token", "").encode(), token.encode()):
            raise PermissionDenied("token is missing or wrong")
        try:
            lines = msgspec.json.decode(request.body, type=list[dict[str, Any]])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(str(error)) from error
        return [
            Report(
                reference=str(line.get("out_id") or ""),
                provider_id=str(line.get("biz_id") or ""),
                delivered=line.get("success") is True,
                detail=f"{line.get('err_code', '')} {line.get('err_msg', '')}".strip(),
            )
            for line in lines
        ]

    def answer_callback(self) -> HttpResponse:
        return JsonResponse({"code": 0, "msg": "OK"})


def sign(
    *, method: str, host: str, action: str, parameters: Mapping[str, str], date: str, nonce: str,
    key_id: str, secret: str, version: str = _VERSION,
) -> tuple[str, dict[str, str]]:  # fmt: skip
    """Return the query string and headers of a request without a body, signed with ACS3-HMAC-SHA256.

    date: UTC, `2023-10-26T10:22:32Z`, at most 15 minutes old; nonce: used once.
    """
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parameters.items())
    )
    body_hash = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": body_hash,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join([method, "/", query, lines, names, body_hash])
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"
    )
    return query, headers


def _call(action: str, parameters: Mapping[str, str], *, call: Call | None = None) -> dict[str, Any]:
    url = settings.ALIYUN_SMS_API_URL
    query, headers = sign(
        method="POST",
        host=urlsplit(url).netloc,
        action=action,
        parameters=parameters,
        date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        nonce=secrets.token_hex(16),
        key_id=settings.ALIYUN_ACCESS_KEY_ID,
        secret=settings.ALIYUN_ACCESS_KEY_SECRET,
    )
    return read_json(call_api("POST", f"{url}/?{query}", call=call, headers=headers))


def _number(e164: str) -> str:
    """Return a number in the API's form: no `+`, and no country code for mainland China."""
    return e164.removeprefix("+86") if e164.startswith("+86") else e164.removeprefix("+")
