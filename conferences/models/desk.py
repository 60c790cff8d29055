"""Who passed the door when, and how its desk works. Only conferences/services changes them."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference
from conferences.models.registration import CheckIn, Registration, new_id


class Passage(models.Model):
    """A scan of an admitted attendee on the way in or out. An undone one is kept but does not count.

    Every scan is a row, also one of somebody who is in already: who is inside follows from the scans' own
    times, in whatever order desks that were offline send them (docs/adr/0043).
    """

    class Direction(models.TextChoices):
        IN = "in", _("entry")
        OUT = "out", _("exit")

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="passages", verbose_name=_("registration")
    )
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices)
    gate = models.CharField(_("gate or device"), max_length=100, blank=True)
    # When the scan happened, by the server's clock, and when the server stored it.
    passed_at = models.DateTimeField(_("passed at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now)
    scanned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("scanned by"),
    )  # fmt: skip
    # The check-in that this scan made, if it made one.
    check_in = models.OneToOneField(
        CheckIn, on_delete=models.SET_NULL, null=True, blank=True, related_name="passage",
        verbose_name=_("check-in"),
    )  # fmt: skip
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        ordering = ["-passed_at", "-id"]
        indexes = [
            models.Index(fields=["registration", "passed_at"], name="passage_of_registration"),
            models.Index(fields=["passed_at"], name="passage_time"),
            # analytics compares its data with these rows by time
            models.Index(fields=["recorded_at"], name="passage_recorded"),
            models.Index(
                fields=["undone_at"], condition=models.Q(undone_at__isnull=False), name="passage_undone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} · {self.direction} · {self.passed_at:%Y-%m-%d %H:%M:%S}"


class DeskSettings(models.Model):
    """How the desk of a conference works; without a row, as the defaults say."""

    conference = models.OneToOneField(
        Conference, on_delete=models.CASCADE, primary_key=True, related_name="desk_settings",
        verbose_name=_("conference"),
    )  # fmt: skip
    gates = models.JSONField(_("gates"), default=list, blank=True)
    # Keys of the questions whose answers the desk shows at a scan.
    shown_questions = models.JSONField(_("answers shown at the door"), default=list, blank=True)
    names_offline = models.BooleanField(_("names on the devices"), default=False)

    class Meta:
        verbose_name = _("desk settings")
        verbose_name_plural = _("desk settings")

    def __str__(self) -> str:
        return self.conference_id
