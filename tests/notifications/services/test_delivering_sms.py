"""SMS through a loopback server with Twilio's and Aliyun's APIs: successes and failures."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from notifications.channels.sms.aliyun import sign
from notifications.channels.sms.twilio import make_signature
from notifications.models import Notification, Outage, Suppression
from notifications.services import sweeping
from notifications.services.delivering import deliver
from tests.notifications.conftest import make_sms
from tests.notifications.servers import SmsServer
from tests.support.services import free_port

pytestmark = pytest.mark.django_db
Status = Notification.Status
BOTH = pytest.mark.parametrize("provider", ["twilio", "aliyun"])


def json_answer(status: int, content: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **headers}, msgspec.json.encode(content)


@BOTH
def test_an_sms_goes_out_once_with_our_reference(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str
) -> None:
    settings.SMS_PROVIDER = provider
    assert [deliver(sms.pk), deliver(sms.pk)] == [Status.SENT, None]
    (sent,) = sms_server.sent
    sms.refresh_from_db()
    assert (sms.provider, bool(sms.provider_id)) == (provider, True)
    if provider == "twilio":
        assert (sent["to"], sent["from"], sent["reference"]) == (
            "+8613800138000",
            "+15005550006",
            str(sms.pk),
        )
        assert sent["text"].startswith("Summit begins ")
    else:
        assert (sent["to"], sent["reference"]) == ("13800138000", sms.pk.hex)
        assert (sent["sign"], sent["template"]) == ("会易", "SMS_1001")
        assert msgspec.json.decode(sent["text"]).keys() == {"conference", "time", "venue"}


def test_aliyun_gets_country_codes_of_foreign_numbers(
    attend: Any, sms_server: SmsServer, settings: Any
) -> None:
    settings.SMS_PROVIDER = "aliyun"
    deliver(make_sms(attend(phone="+85291234567")).pk)
    assert sms_server.sent[0]["to"] == "85291234567"


@BOTH
@pytest.mark.parametrize("status", [429, 503])
def test_retries_wait_as_long_as_the_provider_asks(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str, status: int
) -> None:
    settings.SMS_PROVIDER = provider
    sms_server.script = [json_answer(status, {"code": 20429}, **{"Retry-After": "600"})]
    before = timezone.now()
    assert deliver(sms.pk) == Status.QUEUED
    sms.refresh_from_db()
    assert sms.scheduled_for - before >= dt.timedelta(seconds=600)
    assert sms.attempts == 0  # it says nothing about this message
    Notification.objects.update(scheduled_for=timezone.now())
    Outage.objects.update(paused_until=timezone.now())
    assert deliver(sms.pk) == Status.SENT


@BOTH
@pytest.mark.parametrize(
    "bad",
    [
        (500, {}, b"oops"),
        (502, {}, b"<html>Bad gateway</html>"),
        (200, {}, b"not JSON"),
        (200, {}, b"[]"),
        (200, {}, b"{}"),
        (200, {}, b""),
        (307, {"Location": "http://169.254.169.254/"}, b""),
        "drop",
        "hang",
    ],
    ids=str,
)
def test_an_sms_with_an_unclear_answer_is_not_resent(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str, bad: Any
) -> None:
    settings.SMS_PROVIDER = provider
    sms_server.script = [bad]
    assert deliver(sms.pk) == Status.UNKNOWN
    sms_server.release.set()
    taken = len(sms_server.sent)
    Notification.objects.update(scheduled_for=timezone.now())
    sweeping.sweep("sms")
    sms.refresh_from_db()
    # The look-up finds a message that the provider accepted. Any other waits for a person.
    assert sms.status == (Status.SENT if taken else Status.UNKNOWN)
    assert sms.scheduled_for > timezone.now() or taken
    assert deliver(sms.pk) is None
    assert len(sms_server.sent) == taken


@pytest.mark.parametrize(
    ("provider", "answer", "status"),
    [
        ("twilio", json_answer(400, {"code": 21211, "message": "Invalid 'To' Phone Number"}), Status.FAILED),
        ("twilio", json_answer(401, {"code": 20003, "message": "Authenticate"}), Status.QUEUED),
        ("aliyun", json_answer(200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "x"}), Status.FAILED),
        ("aliyun", json_answer(200, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "x"}), Status.QUEUED),
        ("aliyun", json_answer(400, {"Code": "Throttling.User", "Message": "x"}), Status.QUEUED),
        ("aliyun", json_answer(404, {"Code": "InvalidAccessKeyId.NotFound", "Message": "x"}), Status.QUEUED),
        ("aliyun", json_answer(200, {"Code": "isv.SMS_TEMPLATE_ILLEGAL", "Message": "x"}), Status.FAILED),
    ],
)
def test_only_fixable_errors_are_retried(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str, answer: Any, status: str
) -> None:
    settings.SMS_PROVIDER = provider
    sms_server.script = [answer]
    assert deliver(sms.pk) == status
    assert sms_server.sent == []


@pytest.mark.parametrize("status", [201, 400])
def test_any_provider_text_can_be_stored(
    sms: Notification, sms_server: SmsServer, settings: Any, status: int
) -> None:
    settings.SMS_PROVIDER = "twilio"
    content = {"code": 1, "message": "a\x00" + "b" * 10_000, "sid": "S\x00" + "M" * 1_000}
    sms_server.script = [json_answer(status, content)]
    assert deliver(sms.pk) == (Status.SENT if status == 201 else Status.FAILED)
    sms.refresh_from_db()
    assert "\x00" not in sms.last_error + sms.provider_id
    assert (len(sms.last_error), len(sms.provider_id)) == ((0, 200) if status == 201 else (2000, 0))


@BOTH
def test_wrong_credentials_requeue_the_sms(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str
) -> None:
    settings.SMS_PROVIDER = provider
    settings.TWILIO_AUTH_TOKEN = settings.ALIYUN_ACCESS_KEY_SECRET = "wrong"
    assert deliver(sms.pk) == Status.QUEUED
    assert sms_server.sent == []


@BOTH
def test_sms_for_an_unreachable_provider_are_requeued(
    sms: Notification, sms_server: SmsServer, settings: Any, provider: str
) -> None:
    settings.SMS_PROVIDER = provider
    settings.TWILIO_API_URL = settings.ALIYUN_SMS_API_URL = f"http://127.0.0.1:{free_port()}"
    assert deliver(sms.pk) == Status.QUEUED


def test_a_private_address_is_not_called(sms: Notification, sms_server: SmsServer, settings: Any) -> None:
    settings.SMS_PROVIDER, settings.OUTBOUND_PRIVATE_HOSTS = "twilio", []
    assert deliver(sms.pk) == Status.QUEUED
    sms.refresh_from_db()
    assert "not a public address" in sms.last_error
    assert sms_server.requests == []


def test_recipients_who_answered_stop_get_no_more_sms(
    sms: Notification, sms_server: SmsServer, settings: Any
) -> None:
    settings.SMS_PROVIDER = "twilio"
    sms_server.script = [json_answer(400, {"code": 21610, "message": "unsubscribed recipient"})]
    assert deliver(sms.pk) == Status.FAILED
    suppression = Suppression.objects.get()
    assert (suppression.channel, suppression.address) == ("sms", "+8613800138000")


def test_a_twilio_look_up_ignores_other_notifications_messages(
    attend: Any, sms_server: SmsServer, settings: Any
) -> None:
    """Two reminders have the same text and number. One arrived; the fate of the other is unknown."""
    settings.SMS_PROVIDER = "twilio"
    registration = attend()
    known, lost = make_sms(registration), make_sms(registration)
    assert deliver(known.pk) == Status.SENT
    sms_server.script = [(500, {}, b"")]
    assert deliver(lost.pk) == Status.UNKNOWN
    Notification.objects.update(scheduled_for=timezone.now())
    sweeping.sweep("sms")
    lost.refresh_from_db()
    assert lost.status == Status.UNKNOWN


def test_look_ups_slow_down_and_end_after_a_day(
    sms: Notification, sms_server: SmsServer, settings: Any
) -> None:
    settings.SMS_PROVIDER = "aliyun"
    sms_server.script = [(500, {}, b"")]
    deliver(sms.pk)

    def requests_of_sweep(*, called_ago: dt.timedelta) -> int:
        now = timezone.now()
        Notification.objects.update(called_at=now - called_ago, scheduled_for=now)
        sms_server.requests.clear()
        sweeping.sweep("sms")
        return len(sms_server.requests)

    assert requests_of_sweep(called_ago=dt.timedelta(hours=2)) == 2  # the day of the call and the next
    sms.refresh_from_db()
    assert sms.scheduled_for - timezone.now() > dt.timedelta(hours=1, minutes=59)
    assert requests_of_sweep(called_ago=dt.timedelta(hours=25)) == 0
    sms.refresh_from_db()
    assert sms.status == Status.UNKNOWN


def test_a_missing_aliyun_template_is_reported(
    sms: Notification, sms_server: SmsServer, settings: Any
) -> None:
    settings.SMS_PROVIDER, settings.ALIYUN_SMS_TEMPLATES = "aliyun", {}
    assert deliver(sms.pk) == Status.FAILED
    sms.refresh_from_db()
    assert "checkin_reminder.en" in sms.last_error


def test_the_console_provider_prints_messages(sms: Notification, settings: Any) -> None:
    settings.SMS_PROVIDER = "console"
    assert deliver(sms.pk) == Status.SENT


def test_aliyun_signatures_match_its_documentation() -> None:
    """The worked example of "V3 request structure and signature"."""
    _, headers = sign(
        method="POST", host="ecs.cn-shanghai.aliyuncs.com", action="RunInstances",
        parameters={
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai",
        },
        date="2023-10-26T10:22:32Z", nonce="3156853299f313e23d1673dc12e1703d",
        key_id="YourAccessKeyId", secret="YourAccessKeySecret", version="2014-05-26",
    )  # fmt: skip
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
        "x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_twilio_signatures_match_its_documentation() -> None:
    """The worked example of "Validating requests"."""
    fields = [
        ("Digits", "1234"), ("To", "+18005551212"), ("From", "+12349013030"), ("Caller", "+12349013030"),
        ("CallSid", "CA1234567890ABCDE"),
    ]  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert make_signature(url, fields, token="12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
