"""Telling hard bounces from soft ones.

After a hard bounce the address does not exist, so no conference may write to it again. A soft bounce (mailbox
full, server busy, blocked for now) ends one message and says nothing about the next one. Anymail calls both
`bounced`. Each provider distinguishes them in its own way in the original report.
"""

import re
from collections.abc import Callable
from typing import Any

from anymail.signals import AnymailTrackingEvent, RejectReason

from notifications import status_codes

_FULL = re.compile(r"\b(?:452|552)\b|(?:mailbox|inbox)(?: is)? full|\bquota\b", re.IGNORECASE)


def is_hard(event: AnymailTrackingEvent, *, provider: str) -> bool:
    """Whether a bounce says that the address does not exist. An unclear report counts as soft.

    provider: its name in anymail's signals, e.g. "Amazon SES".
    """
    if _is_soft_reply(f"{event.mta_response or ''} {event.description or ''}"):
        return False
    judge = _JUDGES.get(provider.replace(" ", "").lower())
    if judge is not None and isinstance(event.esp_event, dict):
        return judge(event.esp_event)
    return bool(event.reject_reason == RejectReason.INVALID)


def _is_soft_reply(text: str) -> bool:
    """Whether the receiving server's status code (RFC 3463) rules out a hard bounce.

    5.1.x and 5.2.1 (mailbox disabled) are about the address, except 5.1.7 and 5.1.8, which are about our own;
    5.2.2 is a full mailbox, and 5.7.x is a policy.
    """
    found = status_codes.ENHANCED.search(text)
    if found is None:
        return _FULL.search(text) is not None
    kind, subject, detail = found.groups()
    is_about_address = (subject == "1" and detail not in ("7", "8")) or (subject == "2" and detail == "1")
    return kind == "4" or not is_about_address


def _at(path: str, *hard: str) -> Callable[[dict[str, Any]], bool]:
    """Return a judge that checks whether a value of the report, e.g. at `bounce.type`, is one of `hard`."""

    def judge(report: dict[str, Any]) -> bool:
        value: Any = report
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return str(value).lower() in hard

    return judge


def _judge_mailgun(report: dict[str, Any]) -> bool:
    """https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure"""
    data = report.get("event-data", report)
    if data.get("severity") != "permanent":
        return False
    status = data.get("delivery-status") or {}
    if status.get("bounce-type"):
        return bool(status["bounce-type"] == "hard")
    return status.get("code") != 552 and data.get("reason") in ("bounce", "suppress-bounce")


def _judge_mailtrap(report: dict[str, Any]) -> bool:
    """https://docs.mailtrap.io/email-api-smtp/advanced/webhooks"""
    return report.get("event") == "bounce" and report.get("bounce_category", "badmailbox") in (
        "badmailbox", "inactive-mailbox", "bad-mailbox", "baddomain", "bad-domain",
    )  # fmt: skip


def _judge_sparkpost(report: dict[str, Any]) -> bool:
    """https://support.sparkpost.com/docs/deliverability/bounce-classification-codes: 10, 30, 90 are hard"""
    for event in (report.get("msys") or {}).values():
        return str(event.get("bounce_class")) in ("10", "30", "90")
    return False


_JUDGES: dict[str, Callable[[dict[str, Any]], bool]] = {
    # https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
    "amazonses": _at("bounce.bounceType", "permanent"),
    # https://developers.brevo.com/docs/transactional-webhooks
    "brevo": _at("event", "hard_bounce", "invalid_email"),
    # https://developers.mailersend.com/api/v1/webhooks.html
    "mailersend": _at("data.type", "hard_bounced"),
    "mailgun": _judge_mailgun,
    # https://dev.mailjet.com/email/guides/webhooks/
    "mailjet": _at("hard_bounce", "true"),
    "mailtrap": _judge_mailtrap,
    # https://mailchimp.com/developer/transactional/docs/webhooks/
    "mandrill": _at("event", "hard_bounce"),
    # https://postmarkapp.com/developer/api/bounce-api#bounce-types
    "postmark": _at("Type", "hardbounce", "bademailaddress"),
    # https://resend.com/docs/webhooks/emails/bounced
    "resend": _at("data.bounce.type", "permanent"),
    # https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event: `type` is bounce or blocked
    "sendgrid": _at("type", "bounce"),
    "sparkpost": _judge_sparkpost,
    # https://godocs.unisender.ru/web-api-ref#callback-format
    "unisendergo": _at(
        "delivery_info.delivery_status",
        "err_user_unknown", "err_user_inactive", "err_domain_inactive", "err_mailbox_discarded",
    ),
}  # fmt: skip
