"""Conferences and their members."""

import zoneinfo

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.questions import validate_questions
from conferences.validators import (
    validate_languages,
    validate_reminder_hours,
    validate_single_line,
    validate_time_zone,
)

MAX_KEPT_DAYS = 3650


def default_languages() -> list[str]:
    return ["en"]


def default_reminder_hours() -> list[int]:
    return [24, 2]


class Conference(models.Model):
    """A conference that people register for. Its time zone decides on which local day an event counts."""

    id = models.CharField(
        primary_key=True,
        max_length=64,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\Z",
                _("Letters, digits, “-” and “_”, beginning and ending with a letter or digit."),
            )
        ],
        help_text=_("Part of the public address, e.g. abc123. It cannot be changed later."),
    )
    name = models.CharField(_("name"), max_length=200, validators=[validate_single_line])
    venue = models.CharField(_("venue"), max_length=300, blank=True, validators=[validate_single_line])
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone],
        help_text=_("IANA name, e.g. Asia/Shanghai. Changing it recomputes all days."),
    )  # fmt: skip
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(
        _("cancelled at"), null=True, blank=True, editable=False,
        help_text=_("Set: the conference does not take place, and its form is closed."),
    )  # fmt: skip
    registration_opens_at = models.DateTimeField(
        _("registration opens at"), null=True, blank=True, help_text=_("Empty: it is open at once."),
    )  # fmt: skip
    registration_closes_at = models.DateTimeField(
        _("registration closes at"), null=True, blank=True,
        help_text=_("Empty: it closes when the conference ends."),
    )  # fmt: skip
    capacity = models.PositiveIntegerField(
        _("capacity"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(2**31 - 1)],
        help_text=_("How many pending and approved registrations there may be. Empty: any number."),
    )  # fmt: skip
    waiting_list = models.BooleanField(
        _("waiting list"), default=True,
        help_text=_("Once all places are taken, people can join a waiting list; places that become free "
                    "go to those who have waited longest."),
    )  # fmt: skip
    languages = models.JSONField(
        _("languages"), default=default_languages, validators=[validate_languages],
        help_text=_('E.g. ["zh-hans", "en"]. Attendees who prefer another language get the first one.'),
    )  # fmt: skip
    phone_region = models.CharField(
        _("phone region"), max_length=2, blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", _("Two capital letters, e.g. CN."))],
        help_text=_("The country of phone numbers without a leading “+”. Empty: such numbers are refused."),
    )  # fmt: skip
    tagline = models.CharField(
        _("tagline"), max_length=300, blank=True, validators=[validate_single_line],
        help_text=_("One sentence for the event page and its previews in messengers."),
    )  # fmt: skip
    questions = models.JSONField(
        _("questions"), default=list, blank=True, validators=[validate_questions],
        help_text=_("What the registration form asks besides name, mail and phone."),
    )  # fmt: skip
    approval_required = models.BooleanField(
        _("approval required"), default=False, help_text=_("Registrations wait for a member's decision.")
    )
    trust_client_registrations = models.BooleanField(
        _("trust client-reported registrations"), default=True,
        help_text=_(
            "Also count registrations and check-ins that browsers and other systems report, not only those "
            "that this server recorded itself."
        ),
    )  # fmt: skip
    event_key_required = models.BooleanField(
        _("event key required"), default=False,
        help_text=_("Take events from outside only with a key of this conference."),
    )  # fmt: skip
    attribution_window_days = models.PositiveSmallIntegerField(
        _("attribution window in days"), default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("How many days before registering a visitor may have opened the share link."),
    )  # fmt: skip
    reminder_hours_before = models.JSONField(
        _("reminders"), default=default_reminder_hours, blank=True, validators=[validate_reminder_hours],
        help_text=_("Hours before the start, e.g. [24, 2]. An empty list sends none."),
    )  # fmt: skip
    quiet_from = models.TimeField(
        _("quiet from"), null=True, blank=True,
        help_text=_("Local time from which reminders wait, e.g. 22:00."),
    )  # fmt: skip
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    # How long these are kept, in days; empty: as long as the conference (services/retention.py).
    keep_events_days = models.PositiveSmallIntegerField(
        _("keep events for days"), null=True, editable=False,
        validators=[MinValueValidator(30), MaxValueValidator(MAX_KEPT_DAYS)],
    )  # fmt: skip
    keep_messages_days = models.PositiveSmallIntegerField(
        _("keep messages for days"), null=True, editable=False,
        validators=[MinValueValidator(30), MaxValueValidator(MAX_KEPT_DAYS)],
    )  # fmt: skip
    keep_files_days = models.PositiveSmallIntegerField(
        _("keep files for days"), null=True, editable=False,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_KEPT_DAYS)],
    )  # fmt: skip
    retention_set_at = models.DateTimeField(null=True, editable=False)
    # Of local days before this one, events have been deleted: what they were counted into stays as it is.
    events_deleted_before = models.DateField(null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, editable=False)
    # When it will be deleted with all its data (services/deleting.py); until then that can be taken back.
    delete_at = models.DateTimeField(_("will be deleted at"), null=True, editable=False)
    # Goes up with each change, so that a stale form is detected.
    revision = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("conference")
        verbose_name_plural = _("conferences")
        ordering = ["-created_at", "id"]
        constraints = [
            # Keys of events and summaries are `<event id>/<conference id>`.
            models.CheckConstraint(condition=~models.Q(id__contains="/"), name="no_slash_in_conference_id")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    @property
    def lasts_days(self) -> bool:
        """Whether it begins on one local day and ends on another."""
        if not self.starts_at or not self.ends_at:
            return False
        zone = zoneinfo.ZoneInfo(self.time_zone)
        return self.starts_at.astimezone(zone).date() != self.ends_at.astimezone(zone).date()

    def clean(self) -> None:
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValidationError({"ends_at": _("A conference cannot end before it starts.")})
        opens_at, closes_at = self.registration_opens_at, self.registration_closes_at
        if opens_at and closes_at and closes_at <= opens_at:
            raise ValidationError({"registration_closes_at": _("Registration cannot close before it opens.")})
        if (self.quiet_from is None) != (self.quiet_until is None):
            missing = "quiet_from" if self.quiet_from is None else "quiet_until"
            raise ValidationError({missing: _("Quiet hours need both a beginning and an end.")})
        if self.phone_region and self.phone_region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValidationError({"phone_region": _("There is no such country (the United Kingdom is GB).")})


class DeletedConference(models.Model):
    """The id of a deleted conference. Nobody gets it again: late events would show them another's figures."""

    id = models.CharField(primary_key=True, max_length=64)
    deleted_at = models.DateTimeField()
    cleaned_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class Member(models.Model):
    """A user's role in a conference. It decides what the user may see and do (access.py)."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        HELPER = "helper", _("helper")
        STEWARD = "steward", _("steward")
        VIEWER = "viewer", _("viewer")

    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="members", verbose_name=_("conference")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["conference", "user"], name="one_role_per_member")]

    def __str__(self) -> str:
        return f"{self.user} · {self.conference_id} · {self.role}"
