"""The outbox: every message to a person is a row here before it is anything else."""

import uuid
from typing import Any

import uuid_utils
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meeteasy.core.jobs import LeasedModel


def new_id() -> uuid.UUID:
    """Time-ordered, so that ids sort as the rows came."""
    return uuid.UUID(str(uuid_utils.uuid7()))


class Notification(LeasedModel):
    """One message to one recipient over one channel.

    `dedupe_key` says what the message is about, so that one fact makes one message however often it is
    announced. docs/notifications.md has the way through the states.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")  # the provider took it
        DELIVERED = "delivered", _("delivered")  # the provider says that it arrived
        BOUNCED = "bounced", _("bounced")
        FAILED = "failed", _("failed")  # refused for good, or too many attempts
        SUPPRESSED = "suppressed", _("suppressed")  # on purpose: unsubscribed, overtaken, aborted
        UNKNOWN = "unknown", _("unknown")  # the provider was called, its answer is not known

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Keys of the registries in message_types/ and channels/. No choices: a new one needs no migration.
    message_type = models.CharField(_("message type"), max_length=64)
    channel = models.CharField(_("channel"), max_length=16)
    recipient = models.CharField(_("recipient"), max_length=320, help_text=_("Mail address or E.164 number."))
    context = models.JSONField(_("context"), default=dict)
    language = models.CharField(_("language"), max_length=16, default="en")
    # No foreign keys: what was sent stays on record when a conference or a registration is deleted.
    conference_id = models.CharField(_("conference"), max_length=64, db_index=True)
    registration_id = models.CharField(_("registration"), max_length=64, default="", blank=True)
    dedupe_key = models.CharField(max_length=200, unique=True)

    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.QUEUED)
    scheduled_for = models.DateTimeField(
        _("scheduled for"), default=timezone.now,
        help_text=_("Not sent, tried again or looked up before this time."),
    )  # fmt: skip
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    # Put on the queue at; the sweeper rings again for what has waited too long since.
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the provider was called in the present attempt. A lease that ran out before it means that
    # nothing was sent; after it, that nobody knows.
    called_at = models.DateTimeField(null=True, blank=True, editable=False)
    # A person's resending of what had arrived; part of the Message-ID, as mailboxes hide a known one.
    resends = models.PositiveIntegerField(default=0, editable=False)
    provider = models.CharField(_("provider"), max_length=64, default="", blank=True)
    provider_id = models.CharField(_("provider's id"), max_length=200, default="", blank=True, db_index=True)
    last_error = models.TextField(_("last error"), default="", blank=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.message_type} · {self.channel} · {self.recipient}"


class Suppression(models.Model):
    """An address that gets no more messages, or none of those that may be unsubscribed from."""

    class Scope(models.TextChoices):
        ALL = "all", _("all messages")  # it bounced, or its owner complained
        REMINDERS = "reminders", _("reminders")  # unsubscribed

    class Reason(models.TextChoices):
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        OPERATOR = "operator", _("by an operator")

    channel = models.CharField(_("channel"), max_length=16)
    address = models.CharField(_("address"), max_length=320, help_text=_("Mail addresses in lower case."))
    scope = models.CharField(_("scope"), max_length=16, choices=Scope)
    conference_id = models.CharField(
        _("conference"), max_length=64, default="", blank=True, help_text=_("Empty: of all conferences.")
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
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
    """What others told us, as every database takes it: PostgreSQL's text has no NUL."""
    return text.replace("\x00", "\ufffd")[:most]


def normalise_address(address: str) -> str:
    """Mail servers may tell letters' cases apart before the @, but none that people use does."""
    return address.strip().casefold()


class MailboxMessage(models.Model):
    """A mail or SMS kept for the development mailbox page instead of being sent."""

    channel = models.CharField(max_length=16)
    recipient = models.CharField(max_length=320)
    conference_id = models.CharField(max_length=64, default="", blank=True)
    subject = models.TextField(default="", blank=True)
    raw = models.BinaryField()  # the mail as it would have gone over the wire; an SMS's text in UTF-8
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.channel} · {self.recipient} · {self.subject}"


class ReminderRound(models.Model):
    """Notes that everybody who was due got their reminder (notifications/services/reminding.py)."""

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
