"""Messages of the outbox as pages show them: what, to whom, what became of it, and why."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conferences.models import Conference, Registration
from notifications.channels import CHANNELS
from notifications.explaining import explain, quote_provider
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Mailing, Notification
from notifications.services.outbox import RESENDABLE

Status = Notification.Status
_ABORTABLE = (Status.QUEUED, Status.UNKNOWN)
_LEVELS = {
    Status.SENT: "good", Status.DELIVERED: "good", Status.BOUNCED: "bad", Status.FAILED: "bad",
    Status.UNKNOWN: "warn", Status.SUPPRESSED: "", Status.QUEUED: "info", Status.SENDING: "info",
}  # fmt: skip


@dataclass(frozen=True)
class NotificationRow:
    """level: of its badge. person: the registrant; None once they are erased. why: "" if all is well."""

    notification: Notification
    title: str
    channel: str
    level: str
    person: Registration | None
    why: str
    quote: str

    @property
    def is_planned(self) -> bool:
        return self.notification.status == Status.QUEUED

    @property
    def can_resend(self) -> bool:
        return self.notification.status in RESENDABLE

    @property
    def can_abort(self) -> bool:
        return self.notification.status in _ABORTABLE


def make_rows(
    conference: Conference, notifications: Iterable[Notification], *, now: dt.datetime
) -> list[NotificationRow]:
    """Describe messages, in two queries."""
    found = list(notifications)
    people = Registration.objects.filter(conference=conference).in_bulk(
        {row.registration_id for row in found}
    )
    keys = {row.facts["mailing"] for row in found if row.facts.get("mailing")}
    mailings = Mailing.objects.filter(conference_id=conference.id).in_bulk(keys) if keys else {}
    subjects = {str(key): subject_of(mailing) for key, mailing in mailings.items()}
    return [
        NotificationRow(
            notification=row, title=_title(row, subjects), channel=label_channel(row.channel),
            level=_LEVELS[Status(row.status)], person=people.get(row.registration_id),
            why=explain(row, now=now), quote=quote_provider(row),
        )
        for row in found
    ]  # fmt: skip


def label_channel(name: str) -> str:
    found = CHANNELS.get(name)
    return str(found.label) if found else name


def subject_of(mailing: Mailing) -> str:
    """Return the subject of an organizers' message in its first language; "" for an empty draft."""
    return next((text["subject"] for text in mailing.texts.values()), "")


def list_types() -> list[tuple[str, Any]]:
    return [(key, message_type.label) for key, message_type in MESSAGE_TYPES.items()]


def _title(row: Notification, subjects: dict[str, str]) -> str:
    found = MESSAGE_TYPES.get(row.message_type)
    label = str(found.label) if found else row.message_type
    return subjects.get(str(row.facts.get("mailing")), "") or label
