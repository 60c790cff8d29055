"""Invitations of members, their digests, and the outbox of mails to organizers."""

import uuid

import uuid_utils
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, Member
from meeteasy.core.jobs import LeasedModel


def new_id() -> uuid.UUID:
    """Return a UUIDv7, so that ids sort by time."""
    return uuid.UUID(str(uuid_utils.uuid7()))


class Invitation(models.Model):
    """An invitation to become a member, sent by mail. Whoever opens its signed link may accept it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="invitations", verbose_name=_("conference")
    )
    email = models.CharField(_("mail"), max_length=254)
    role = models.CharField(_("role"), max_length=10, choices=Member.Role.choices)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+",
        verbose_name=_("invited by"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conference", "email"], condition=Q(accepted_at=None), name="one_open_invitation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.conference_id} · {self.role}"


class Digest(models.Model):
    """A member's wish to get the overview's figures by mail (console/services/digests.py)."""

    class Period(models.TextChoices):
        DAILY = "daily", _("every day")
        WEEKLY = "weekly", _("every week")

    # Who leaves the conference gets no more of its figures.
    member = models.OneToOneField(
        Member, on_delete=models.CASCADE, related_name="digest", verbose_name=_("member")
    )
    period = models.CharField(_("how often"), max_length=8, choices=Period.choices)
    language = models.CharField(_("language"), max_length=16)
    # Periods that ended before are not reported.
    since = models.DateTimeField(_("since"), default=timezone.now)
    # The last day of the latest period whose mail is in the outbox, written in one transaction with it.
    written_until = models.DateField(null=True, editable=False)

    class Meta:
        verbose_name = _("mail digest")
        verbose_name_plural = _("mail digests")

    def __str__(self) -> str:
        return f"{self.member} · {self.period}"


class OrganizerMail(LeasedModel):
    """A mail to an organizer. Its text is rendered when it is sent, so no secret of a link is stored."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        DROPPED = "dropped", _("not needed any more")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=32)  # a key of console/services/mail_kinds.py
    recipient = models.CharField(_("recipient"), max_length=254)
    language = models.CharField(_("language"), max_length=16)
    about = models.CharField(max_length=64)  # the id of what the mail is about
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.QUEUED)
    scheduled_for = models.DateTimeField(_("scheduled for"), default=timezone.now)
    # When the mail server was called in the current attempt. If the lease expires after that, the mail may
    # have arrived.
    called_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    last_error = models.TextField(_("last error"), default="", blank=True)

    class Meta:
        verbose_name = _("mail to an organizer")
        verbose_name_plural = _("mails to organizers")
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "scheduled_for"], name="organizer_mail_due")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.recipient}"
