"""Providers' delivery reports: authentication, effects, and order of arrival."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.test import Client

from notifications.channels.sms.twilio import callback_url, make_signature
from notifications.models import Notification, Suppression
from notifications.selectors.suppressions import find_suppression

pytestmark = pytest.mark.django_db
Status = Notification.Status


def set_status(row: Notification, status: str, **fields: Any) -> None:
    Notification.objects.filter(pk=row.pk).update(status=status, **fields)


def status_of(row: Notification) -> str:
    row.refresh_from_db()
    return row.status


def post_twilio(row: Notification, settings: Any, *, token: str = "secret", **fields: str) -> int:
    settings.TWILIO_AUTH_TOKEN = "secret"
    url = callback_url(str(row.pk))
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", **fields}
    parts = urlsplit(url)
    answer = Client().post(
        f"{parts.path}?{parts.query}",
        form,
        headers={"X-Twilio-Signature": make_signature(url, form.items(), token=token)},
    )
    return answer.status_code


def post_aliyun(settings: Any, lines: Any, *, token: str = "secret") -> Any:
    settings.ALIYUN_SMS_CALLBACK_TOKEN = "secret"
    return Client().post(
        f"/api/notifications/callbacks/sms/aliyun?token={token}", lines, content_type="application/json"
    )


def test_twilio_reports_a_delivery(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.SENT, provider="twilio", provider_id="SM1")
    assert post_twilio(sms, settings) == 204
    assert status_of(sms) == Status.DELIVERED
    assert sms.delivered_at is not None


def test_a_twilio_report_settles_an_unknown_fate(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.UNKNOWN, provider="twilio", provider_id="")
    assert post_twilio(sms, settings, MessageStatus="sent") == 204
    assert (status_of(sms), sms.provider_id) == (Status.SENT, "SM1")


@pytest.mark.parametrize("fields", [{"MessageStatus": "undelivered", "ErrorCode": "30003"}])
def test_twilio_reports_a_loss(sms: Notification, settings: Any, fields: dict[str, str]) -> None:
    set_status(sms, Status.SENT, provider="twilio", provider_id="SM1")
    post_twilio(sms, settings, **fields)
    assert (status_of(sms), sms.last_error) == (Status.FAILED, "undelivered 30003")


def test_a_late_sent_does_not_undo_delivered(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.SENT, provider="twilio", provider_id="SM1")
    post_twilio(sms, settings)
    post_twilio(sms, settings, MessageStatus="sent")
    assert status_of(sms) == Status.DELIVERED


def test_a_report_without_twilios_signature_changes_nothing(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.SENT, provider="twilio", provider_id="SM1")
    assert post_twilio(sms, settings, token="guess") == 403
    settings.TWILIO_AUTH_TOKEN = ""
    assert Client().post("/api/notifications/callbacks/sms/twilio", {"MessageSid": "SM1"}).status_code == 403
    assert status_of(sms) == Status.SENT


def test_a_signed_report_cannot_target_another_message(sms: Notification, settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = "secret"
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = make_signature(callback_url("other"), form.items(), token="secret")
    parts = urlsplit(callback_url(str(sms.pk)))
    answer = Client().post(f"{parts.path}?{parts.query}", form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403


def test_aliyun_reports_several_messages_at_once(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.UNKNOWN, provider="aliyun")
    lines = [
        {"phone_number": "1", "success": False, "err_code": "X", "biz_id": "9", "out_id": "somebody else's"},
        {"phone_number": "13800138000", "success": True, "err_code": "DELIVERED", "biz_id": "1^0",
         "out_id": sms.pk.hex},
    ]  # fmt: skip
    answer = post_aliyun(settings, lines)
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "OK"})
    assert (status_of(sms), sms.provider_id) == (Status.DELIVERED, "1^0")


@pytest.mark.parametrize("body", ["", "{", "{}", '"x"', "[1]", "null", '[{"a":' + "[" * 5_000])
def test_malformed_reports_are_refused(settings: Any, body: str) -> None:
    settings.ALIYUN_SMS_CALLBACK_TOKEN = "secret"
    answer = Client().post(
        "/api/notifications/callbacks/sms/aliyun?token=secret", body, content_type="application/json"
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"


def test_any_report_text_can_be_stored(sms: Notification, settings: Any) -> None:
    set_status(sms, Status.SENT, provider="aliyun")
    line = {"success": False, "err_msg": "a\x00b", "biz_id": "1\x00" + "2" * 500, "out_id": sms.pk.hex}
    assert post_aliyun(settings, [line]).status_code == 200
    assert status_of(sms) == Status.FAILED
    assert post_aliyun(settings, [{"biz_id": "\x00", "out_id": "\x00"}]).status_code == 200


def test_aliyun_reports_need_the_secret_in_the_address(sms: Notification, settings: Any) -> None:
    assert post_aliyun(settings, [], token="guess").status_code == 403
    assert post_aliyun(settings, [], token="").status_code == 403
    settings.ALIYUN_SMS_CALLBACK_TOKEN = ""
    answer = Client().post(
        "/api/notifications/callbacks/sms/aliyun?token=", [], content_type="application/json"
    )
    assert answer.status_code == 403


def test_other_providers_have_no_callback_address() -> None:
    assert Client().post("/api/notifications/callbacks/sms/console").status_code == 403
    assert Client().post("/api/notifications/callbacks/sms/nonsense").status_code == 404
    assert Client().get("/api/notifications/callbacks/sms/twilio").status_code == 405


def mail_event(row: Notification, kind: str, *, provider: str = "Test", **fields: Any) -> None:
    event = AnymailTrackingEvent(
        event_type=kind, message_id="esp-1", recipient=row.recipient,
        metadata={"notification_id": str(row.pk)}, **fields,
    )  # fmt: skip
    tracking.send(sender=None, event=event, esp_name=provider)


@pytest.mark.parametrize(
    ("kind", "status", "scope"),
    [
        ("delivered", Status.DELIVERED, None),
        ("bounced", Status.BOUNCED, None),  # not known to be hard: test_bounces.py
        ("rejected", Status.FAILED, None),
        ("failed", Status.FAILED, None),
        ("complained", Status.SENT, "all"),
        ("unsubscribed", Status.SENT, "reminders"),
        ("deferred", Status.SENT, None),
        ("opened", Status.SENT, None),
    ],
)
def test_mail_events_set_status_and_suppressions(
    notification: Notification, kind: str, status: str, scope: str | None
) -> None:
    set_status(notification, Status.SENT)
    mail_event(notification, kind, description="why")
    mail_event(notification, kind, description="why")  # webhooks may come more than once
    assert status_of(notification) == status
    assert [row.scope for row in Suppression.objects.all()] == ([scope] if scope else [])


def test_unsubscribing_at_the_provider_covers_one_conference(
    notification: Notification,
) -> None:
    mail_event(notification, "unsubscribed")
    row = Suppression.objects.get()
    assert (row.scope, row.conference_id) == ("reminders", "summit")
    other = Notification(channel="email", recipient=notification.recipient, conference_id="other")
    assert find_suppression(notification, transactional=False) == row
    assert find_suppression(notification, transactional=True) is None
    assert find_suppression(other, transactional=False) is None


@pytest.mark.parametrize(("hard", "silenced"), [(True, True), (False, False)])
def test_only_hard_bounces_suppress_an_address_everywhere(
    notification: Notification, hard: bool, silenced: bool
) -> None:
    set_status(notification, Status.SENT)
    report = {"Type": "HardBounce" if hard else "SoftBounce"}
    mail_event(notification, "bounced", provider="Postmark", esp_event=report)
    assert status_of(notification) == Status.BOUNCED
    other = Notification(channel="email", recipient="DORA@Example.com.", conference_id="other")
    assert (find_suppression(other, transactional=True) is not None) == silenced


def test_mail_events_also_match_by_the_providers_id(notification: Notification) -> None:
    set_status(notification, Status.SENT, provider_id="esp-1")
    event = AnymailTrackingEvent(event_type="delivered", message_id="esp-1", recipient="x", metadata={})
    tracking.send(sender=None, event=event, esp_name="Test")
    assert status_of(notification) == Status.DELIVERED


def test_foreign_mail_events_change_nothing(notification: Notification) -> None:
    event = AnymailTrackingEvent(
        event_type="bounced", message_id="x", recipient="x", metadata={"notification_id": "no uuid"}
    )
    tracking.send(sender=None, event=event, esp_name="Test")
    assert status_of(notification) == Status.QUEUED
    assert not Suppression.objects.exists()
