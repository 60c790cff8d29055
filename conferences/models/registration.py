"""Registrations and check-ins. Only conferences/services changes them."""

import uuid_utils
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference
from conferences.validators import validate_single_line


def new_id() -> str:
    """Return 32 hexadecimal digits that sort by time, so that indexes grow at their end."""
    return uuid_utils.uuid7().hex


class Registration(models.Model):
    """A person's registration for a conference. conferences/states.py has its state machine."""

    class State(models.TextChoices):
        WAITING = "waiting", _("on the waiting list")
        PENDING = "pending", _("pending")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        CANCELLED = "cancelled", _("cancelled")

    # Whether it counts in the figures. A withdrawn registration does not stand (docs/definitions.md).
    STANDING = frozenset({State.PENDING, State.APPROVED})

    class Source(models.TextChoices):
        FORM = "form", _("public form")
        IMPORT = "import", _("import")

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="registrations", verbose_name=_("conference")
    )
    name = models.CharField(_("full name"), max_length=200, validators=[validate_single_line])
    # As conferences/contact.py normalises it, so that equal addresses are equal here.
    email = models.CharField(_("mail"), max_length=254)
    phone = models.CharField(_("phone"), max_length=16, blank=True, help_text=_("E.164, e.g. +8613800138000"))
    language = models.CharField(_("language"), max_length=16, default="en")
    form_id = models.CharField(_("form"), max_length=64, default="default")
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices, default=Source.FORM)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    # Where the visitor came from, as the browser reported it; analytics and sharing use it.
    visitor_id = models.CharField(_("visitor"), max_length=64, blank=True)
    share_code = models.CharField(_("share code"), max_length=64, blank=True)
    # Name, mail and phone after `fold`, so that searching works the same on every database.
    search_text = models.TextField(default="", blank=True, editable=False)
    registered_at = models.DateTimeField(_("registered at"))
    decided_at = models.DateTimeField(
        _("decided at"), null=True, blank=True, help_text=_("When the state last changed.")
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    # Goes up whenever `stands` changes. It is 0 for a registration that stands from the beginning, so that
    # the figures only need the changes (event type registration_standing, source "state").
    standing_version = models.PositiveIntegerField(default=0, editable=False)
    standing_changed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ["-registered_at", "-id"]
        constraints = [
            # A person who cancels and registers again keeps the row; versions before 1.0.0 made a new one.
            models.UniqueConstraint(
                fields=["conference", "email"],
                condition=~Q(state="cancelled"),
                name="one_registration_per_mail",
            )
        ]
        indexes = [
            models.Index(fields=["conference", "-registered_at", "-id"], name="registration_list"),
            models.Index(fields=["conference", "state"], name="registration_state"),
            models.Index(fields=["conference", "email"], name="registration_mail"),
            # The names of sharers, by the visitor who registered.
            models.Index(
                fields=["conference", "visitor_id"],
                condition=~Q(visitor_id=""),
                name="registration_visitor",
            ),
            # analytics compares its data with these rows by time
            models.Index(fields=["registered_at"], name="registration_time"),
            models.Index(
                fields=["standing_changed_at"],
                condition=Q(standing_changed_at__isnull=False),
                name="registration_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.conference_id} · {self.state}"

    @property
    def stands(self) -> bool:
        """Whether its state lets it count. Organizers can also void it (`Void` in sharing)."""
        return self.state in self.STANDING


class StateChange(models.Model):
    """A change of a registration's state: its history after the first state."""

    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="state_changes", verbose_name=_("registration")
    )
    state = models.CharField(_("state"), max_length=10, choices=Registration.State.choices)
    changed_at = models.DateTimeField(_("changed at"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("changed by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("change of state")
        verbose_name_plural = _("changes of state")
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.registration_id} · {self.state} · {self.changed_at:%Y-%m-%d %H:%M:%S}"


class CheckIn(models.Model):
    """An attendee's arrival at the door. An undone check-in is kept but does not count."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="check_ins", verbose_name=_("registration")
    )
    method = models.CharField(_("method"), max_length=32)
    gate = models.CharField(_("gate or device"), max_length=100, blank=True)
    # When the scan happened, by the server's clock: the scanner may have been offline.
    checked_in_at = models.DateTimeField(_("checked in at"))
    recorded_at = models.DateTimeField(
        _("recorded at"), default=timezone.now, help_text=_("When this server stored the scan.")
    )
    checked_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("checked in by"),
    )  # fmt: skip
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("undone by"),
    )  # fmt: skip
    superseded_by = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="supersedes",
        verbose_name=_("superseded by"), help_text=_("An earlier scan that arrived later."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        ordering = ["-checked_in_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=Q(undone_at=None), name="one_active_check_in"
            )
        ]
        indexes = [
            models.Index(fields=["recorded_at"], name="check_in_recorded"),
            models.Index(fields=["undone_at"], name="check_in_undone"),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} · {self.checked_in_at:%Y-%m-%d %H:%M:%S}"
