"""Speakers and sessions of a conference. Pages show them from here, so a generated text cannot invent any."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.models.registration import new_id
from conferences.validators import validate_single_line


class Speaker(models.Model):
    """A person on stage."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="speakers", verbose_name=_("conference")
    )
    name = models.CharField(_("full name"), max_length=200, validators=[validate_single_line])
    affiliation = models.CharField(
        _("affiliation"), max_length=200, blank=True, validators=[validate_single_line],
        help_text=_("Company, university or role."),
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Smaller numbers come first.")
    )

    class Meta:
        verbose_name = _("speaker")
        verbose_name_plural = _("speakers")
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["conference", "position", "id"], name="speaker_list")]

    def __str__(self) -> str:
        return self.name


class Session(models.Model):
    """An item of the agenda."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("conference")
    )
    title = models.CharField(_("title"), max_length=300, validators=[validate_single_line])
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    room = models.CharField(_("room"), max_length=200, blank=True, validators=[validate_single_line])
    speakers = models.ManyToManyField(
        Speaker, related_name="sessions", blank=True, verbose_name=_("speakers")
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["starts_at", "id"]
        indexes = [models.Index(fields=["conference", "starts_at", "id"], name="session_list")]

    def __str__(self) -> str:
        return self.title
