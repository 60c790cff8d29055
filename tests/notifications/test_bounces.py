"""Hard and soft bounces in each provider's format, parsed by anymail."""

from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, EventType
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetTrackingWebhookView
from anymail.webhooks.mailtrap import MailtrapTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from django.test import RequestFactory

from notifications.bounces import _JUDGES, is_hard

TO = "dora@example.com"


def parse(view: Any, report: dict[str, Any]) -> AnymailTrackingEvent:
    """Parse a report with anymail's webhook, but without checking its signature."""
    bare = view.__new__(view)
    if view is SparkPostTrackingWebhookView:
        ((kind, event),) = report["msys"].items()
        return bare.esp_to_anymail_event(kind, event, report)
    if view is AmazonSESTrackingWebhookView:
        (event,) = bare.esp_to_anymail_events(report, {"MessageId": "1"})
        return event
    if view is ResendTrackingWebhookView:
        return bare.esp_to_anymail_event(report, RequestFactory().post("/"))
    return bare.esp_to_anymail_event(report)


def ses(kind: str, diagnostic: str) -> dict[str, Any]:
    return {
        "eventType": "Bounce", "mail": {"messageId": "m", "destination": [TO]},
        "bounce": {"bounceType": kind, "bounceSubType": "General", "timestamp": "2027-05-18T01:00:00Z",
                   "bouncedRecipients": [{"emailAddress": TO, "diagnosticCode": diagnostic}]},
    }  # fmt: skip


def mailgun(severity: str, reason: str, code: int, **status: str) -> dict[str, Any]:
    return {"signature": {"token": "t"}, "event-data": {
        "event": "failed", "severity": severity, "reason": reason, "timestamp": 1.0, "recipient": TO,
        "message": {"headers": {"message-id": "m"}}, "delivery-status": {"code": code, **status},
    }}  # fmt: skip


def sparkpost(bounce_class: str) -> dict[str, Any]:
    return {"msys": {"message_event": {"type": "bounce", "bounce_class": bounce_class, "rcpt_to": TO}}}


def mailersend(kind: str) -> dict[str, Any]:
    return {"type": f"activity.{kind}", "data": {"type": kind, "email": {"recipient": {"email": TO}}}}


def resend(kind: str) -> dict[str, Any]:
    bounce = {"type": kind, "subType": "General", "message": "sent a bounce message"}
    return {"type": "email.bounced", "created_at": "2027-05-18T01:00:00Z",
            "data": {"email_id": "m", "to": [TO], "bounce": bounce}}  # fmt: skip


def mailtrap(**fields: str) -> dict[str, Any]:
    return {"event": "bounce", "timestamp": 1, "message_id": "m", "email": TO, **fields}


def unisender(status: str) -> dict[str, Any]:
    return {"status": "hard_bounced", "email": TO, "job_id": "1", "event_time": "2027-05-18 01:00:00",
            "delivery_info": {"delivery_status": status}}  # fmt: skip


POSTMARK = {"RecordType": "Bounce", "MessageID": "m", "Email": TO, "BouncedAt": "2027-05-18T01:00:00Z"}
SENDGRID = {"event": "bounce", "email": TO, "timestamp": 1, "smtp-id": "m"}
MAILJET = {"event": "bounce", "time": 1, "MessageID": 1, "email": TO}

HARD = [
    (AmazonSESTrackingWebhookView, ses("Permanent", "smtp; 550 5.1.1 user unknown")),
    (BrevoTrackingWebhookView, {"event": "hard_bounce", "email": TO, "ts_epoch": 1000}),
    (BrevoTrackingWebhookView, {"event": "invalid_email", "email": TO, "ts_epoch": 1000}),
    (MailerSendTrackingWebhookView, mailersend("hard_bounced")),
    (MailgunTrackingWebhookView, mailgun("permanent", "bounce", 550, message="5.1.1 no such user")),
    (MailgunTrackingWebhookView, mailgun("permanent", "generic", 550, **{"bounce-type": "hard"})),
    (MailgunTrackingWebhookView, mailgun("permanent", "suppress-bounce", 605)),
    (MailjetTrackingWebhookView, {**MAILJET, "hard_bounce": True, "error": "user unknown"}),
    (MailtrapTrackingWebhookView, mailtrap(bounce_category="badmailbox")),
    (MandrillCombinedWebhookView, {"event": "hard_bounce", "ts": 1, "_id": "m", "msg": {"email": TO}}),
    (PostmarkTrackingWebhookView, {**POSTMARK, "Type": "HardBounce"}),
    (PostmarkTrackingWebhookView, {**POSTMARK, "Type": "BadEmailAddress"}),
    (ResendTrackingWebhookView, resend("Permanent")),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "bounce", "reason": "550 5.1.1 unknown"}),
    (SparkPostTrackingWebhookView, sparkpost("10")),
    (SparkPostTrackingWebhookView, sparkpost("30")),
    (UnisenderGoTrackingWebhookView, unisender("err_user_unknown")),
]
SOFT = [
    (AmazonSESTrackingWebhookView, ses("Transient", "smtp; 550 5.2.2 mailbox full")),
    (AmazonSESTrackingWebhookView, ses("Undetermined", "")),
    (AmazonSESTrackingWebhookView, ses("Permanent", "smtp; 552 5.2.2 mailbox full")),
    (BrevoTrackingWebhookView, {"event": "soft_bounce", "email": TO, "ts_epoch": 1000}),
    (MailerSendTrackingWebhookView, mailersend("soft_bounced")),
    (MailgunTrackingWebhookView, mailgun("permanent", "bounce", 552)),
    (MailgunTrackingWebhookView, mailgun("permanent", "generic", 550, **{"bounce-type": "soft"})),
    (MailgunTrackingWebhookView, mailgun("permanent", "bounce", 550, message="5.7.1 blocked for now")),
    (MailgunTrackingWebhookView, mailgun("permanent", "old", 602)),
    (MailjetTrackingWebhookView, {**MAILJET, "hard_bounce": False, "error": "quota exceeded"}),
    (MailtrapTrackingWebhookView, mailtrap(bounce_category="spam")),
    (MandrillCombinedWebhookView, {"event": "soft_bounce", "ts": 1, "_id": "m", "msg": {"email": TO}}),
    (PostmarkTrackingWebhookView, {**POSTMARK, "Type": "SoftBounce"}),
    (PostmarkTrackingWebhookView, {**POSTMARK, "Type": "Blocked"}),
    (ResendTrackingWebhookView, resend("Transient")),
    (ResendTrackingWebhookView, resend("Undetermined")),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "blocked", "reason": "554 blocked"}),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "bounce", "reason": "552 5.2.2 mailbox full"}),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "bounce", "reason": "550 Mailbox full"}),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "bounce", "reason": "550 user is over quota"}),
    # About our sender, not the recipient (RFC 3463: X.1.7, X.1.8).
    (AmazonSESTrackingWebhookView, ses("Permanent", "smtp; 553 5.1.8 sender's domain does not exist")),
    (SendGridTrackingWebhookView, {**SENDGRID, "type": "bounce", "reason": "550 5.1.7 bad sender address"}),
    # An address of ours in front of the code.
    (AmazonSESTrackingWebhookView, ses("Permanent", "smtp; 550 [5.1.33.7] 5.7.1 blocked")),
    (SparkPostTrackingWebhookView, sparkpost("22")),
    (SparkPostTrackingWebhookView, sparkpost("50")),
    (UnisenderGoTrackingWebhookView, unisender("err_mailbox_full")),
]  # fmt: skip


def name(value: Any) -> str | None:
    return getattr(value, "esp_name", None)


@pytest.mark.parametrize(("view", "report"), HARD, ids=name)
def test_a_nonexistent_address_is_a_hard_bounce(view: Any, report: dict[str, Any]) -> None:
    assert is_hard(parse(view, report), provider=view.esp_name)


@pytest.mark.parametrize(("view", "report"), SOFT, ids=name)
def test_a_full_or_blocking_mailbox_is_a_soft_bounce(view: Any, report: dict[str, Any]) -> None:
    assert not is_hard(parse(view, report), provider=view.esp_name)


def test_each_judged_provider_has_hard_and_soft_cases() -> None:
    for cases in (HARD, SOFT):
        assert {view.esp_name.replace(" ", "").lower() for view, _ in cases} == set(_JUDGES)


def test_bounces_of_other_providers_are_soft() -> None:
    event = AnymailTrackingEvent(event_type=EventType.BOUNCED, reject_reason="bounced", esp_event={})
    assert not is_hard(event, provider="Postal")
    event = AnymailTrackingEvent(event_type=EventType.BOUNCED, reject_reason="invalid", esp_event={})
    assert is_hard(event, provider="Postal")
