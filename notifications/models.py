"""The outbox: every message to a person is stored here before it is sent."""

import uuid
from typing import Any

import uuid_utils
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meeteasy.core.addresses import normalise_email
from meeteasy.core.fields import KeyField
from meeteasy.core.jobs import LeasedModel


def new_id() -> uuid.UUID:
    """Return a UUIDv7, so that ids sort by time."""
    return uuid.UUID(str(uuid_utils.uuid7()))


class Notification(LeasedModel):
    """One message to one recipient over one channel.

    A row says who gets which message about which registration. The text is rendered at sending time from the
    registration and the conference as they are then. `dedupe_key` ensures that one cause makes one message,
    however often it is announced. docs/notifications.md explains the states.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")  # the provider accepted it
        DELIVERED = "delivered", _("delivered")  # the provider reports that it arrived
        BOUNCED = "bounced", _("bounced")
        FAILED = "failed", _("failed")  # refused for good, or too many attempts
        SUPPRESSED = "suppressed", _("suppressed")  # on purpose: unsubscribed, overtaken, aborted
        UNKNOWN = "unknown", _("unknown")  # the provider was called, but its answer is unknown

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Keys of the registries in message_types/ and channels/. Without choices, a new one needs no migration.
    message_type = models.CharField(_("message type"), max_length=64)
    channel = models.CharField(_("channel"), max_length=16)
    recipient = models.CharField(
        _("recipient"), max_length=320, help_text=_("Email address or E.164 number.")
    )
    # Facts of this message besides the registration and the conference, e.g. {"hours_before": 24}.
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=16, default="en")
    # No foreign keys: the record of sent messages outlives a deleted conference or registration.
    conference_id = models.CharField(_("conference"), max_length=64)
    registration_id = models.CharField(_("registration"), max_length=64, default="", blank=True)
    # The organizers' message that this is a copy of. Others have none.
    mailing_id = models.UUIDField(null=True, blank=True, editable=False)
    dedupe_key = models.CharField(max_length=200, unique=True)

    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.QUEUED)
    scheduled_for = models.DateTimeField(
        _("scheduled for"), default=timezone.now,
        help_text=_("The message is not sent, retried or looked up before this time."),
    )  # fmt: skip
    # A person asked for it, so it is sent even if it is late by now.
    on_request = models.BooleanField(_("sent on request"), default=False, editable=False)
    # When its task was last queued. The sweeper queues it again for rows that have waited too long since.
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the provider was called in the current attempt. If the lease expires before that, nothing was sent;
    # after that, the message's fate is unknown.
    called_at = models.DateTimeField(null=True, blank=True, editable=False)
    # How often a person resent the message after it had arrived. Part of the Message-ID, because mailboxes
    # hide a known one.
    resends = models.PositiveIntegerField(default=0, editable=False)
    provider = models.CharField(_("provider"), max_length=64, default="", blank=True)
    provider_id = models.CharField(_("provider's id"), max_length=200, default="", blank=True, db_index=True)
    last_error = models.TextField(_("last error"), default="", blank=True)
    # The SMS or the mail's subject that the provider last got. A look-up compares the text.
    sent_text = models.TextField(_("text as sent"), default="", blank=True)

    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["channel", "status", "scheduled_for"], name="notification_due"),
            models.Index(fields=["registration_id", "message_type"], name="notification_registration"),
            models.Index(fields=["conference_id", "-id"], name="notification_list"),
            models.Index(
                fields=["mailing_id", "status"],
                name="notification_mailing",
                condition=models.Q(mailing_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_type} · {self.channel} · {self.recipient}"


class Suppression(models.Model):
    """An address that gets no more messages, or no more reminders."""

    class Scope(models.TextChoices):
        ALL = "all", _("all messages")  # it does not exist, or its owner complained
        REMINDERS = "reminders", _("reminders")  # its owner unsubscribed

    class Reason(models.TextChoices):
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        OPERATOR = "operator", _("by an operator")

    channel = models.CharField(_("channel"), max_length=16)
    address = models.CharField(_("address"), max_length=320)
    scope = models.CharField(_("scope"), max_length=16, choices=Scope)
    conference_id = models.CharField(
        _("conference"),
        max_length=64,
        default="",
        blank=True,
        help_text=_("Leave empty for all conferences."),
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address", "scope", "conference_id"], name="one_suppression_per_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} · {self.address} · {self.scope}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.address = normalise_address(self.address)
        super().save(*args, **kwargs)


def storable(text: str, *, most: int = 2000) -> str:
    """Return external text in a form that every database accepts: PostgreSQL's text has no NUL."""
    return text.replace("\x00", "\ufffd")[:most]


def normalise_address(address: str) -> str:
    """Return the canonical form of an address, as registrations store it. Numbers do not change."""
    return normalise_email(address) if "@" in address else address.strip()


class MailboxMessage(models.Model):
    """A mail or SMS that the development mailbox kept instead of sending it."""

    channel = models.CharField(max_length=16)
    recipient = models.CharField(max_length=320)
    conference_id = models.CharField(max_length=64, default="", blank=True)
    subject = models.TextField(default="", blank=True)
    raw = models.BinaryField()  # the mail as it goes over the wire, or the SMS's text in UTF-8
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.channel} · {self.recipient} · {self.subject}"


class ReminderRound(models.Model):
    """A record that a round of reminders is complete (notifications/services/reminding.py)."""

    conference_id = models.CharField(max_length=64)
    channel = models.CharField(max_length=16)
    hours_before = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conference_id", "channel", "hours_before", "starts_at"], name="one_reminder_round"
            )
        ]

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.channel} · {self.hours_before} h"


class Announcement(models.Model):
    """The organizers' news to all registrants that the conference moved or is cancelled.

    The sweeper writes the messages in slices (services/announcing.py). The latest announcement counts: if a
    move is announced after a cancellation, the conference takes place again.
    """

    class Kind(models.TextChoices):
        MOVED = "moved", _("new date or place")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conference_id = models.CharField(_("conference"), max_length=64, db_index=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    # Hash of the announced facts: the same facts are announced once.
    facts_sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)
    # The last registration, in order of ids, whose message is written.
    position = KeyField(max_length=32, default="", blank=True, editable=False)
    written = models.PositiveIntegerField(_("messages"), default=0, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.kind}"


class Mailing(models.Model):
    """A message that organizers write to a selection of registrants (services/mailings.py).

    channel: "email" or "sms". texts: {"en": {"subject": "…", "body": "…"}}; the subject of an SMS only names
    it in lists. selection: as notifications/selections.py reads it, when the message goes out.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PLANNED = "planned", _("planned")  # for its time, or its copies are being written
        WRITTEN = "written", _("on its way")  # every recipient's copy is in the outbox
        STOPPED = "stopped", _("stopped")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conference_id = models.CharField(_("conference"), max_length=64)
    channel = models.CharField(_("channel"), max_length=16, default="email")
    texts = models.JSONField(_("texts"), default=dict)
    selection = models.JSONField(_("selection"), default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, editable=False)
    planned_by = models.CharField(_("planned by"), max_length=150, blank=True, editable=False)
    stopped_by = models.CharField(_("stopped by"), max_length=150, blank=True, editable=False)
    # The last registration, in order of ids, whose copy is written.
    position = KeyField(max_length=32, default="", blank=True, editable=False)
    written = models.PositiveIntegerField(_("messages"), default=0, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("message to registrants")
        verbose_name_plural = _("messages to registrants")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["conference_id", "-id"], name="mailing_list"),
            models.Index(fields=["scheduled_for"], name="mailing_due", condition=models.Q(status="planned")),
        ]

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.status}"


class CalendarRevision(models.Model):
    """The SEQUENCE of a conference's calendar entries. It goes up when the entry's facts change."""

    conference_id = models.CharField(primary_key=True, max_length=64)
    sequence = models.PositiveIntegerField(default=0)
    facts_sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.sequence}"


class Outage(models.Model):
    """A channel's outage: its provider is unreachable or refuses us. The row exists while it lasts."""

    channel = models.CharField(primary_key=True, max_length=16)
    since = models.DateTimeField()
    paused_until = models.DateTimeField()
    failures = models.PositiveIntegerField(default=1)
    needs_attention = models.BooleanField(default=False)  # refused: only a person can fix it
    # The recipient of the last failed message. A second recipient proves that the first is not the cause.
    met_by = models.CharField(max_length=320, default="", blank=True)
    error = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"{self.channel} · {self.error}"
