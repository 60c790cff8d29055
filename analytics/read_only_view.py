"""The table of read-only links; see analytics/viewing.py."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.validators import validate_single_line
from meeteasy.core.fields import KeyField


class ReadOnlyView(models.Model):
    """A link by which people without an account see the figures. Its token is shown once, when it is made."""

    id = KeyField(_("SHA-256"), primary_key=True, db_column="_id", max_length=64, editable=False)
    conference_id = models.CharField(_("conference"), max_length=64)
    name = models.CharField(
        _("for whom"), max_length=100, validators=[validate_single_line],
        help_text=_("E.g. “sponsors”. Only members see it."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=150)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("read-only view")
        verbose_name_plural = _("read-only views")
        ordering = ["-created_at", "id"]
        indexes = [models.Index(fields=["conference_id", "created_at"], name="view_conference_created")]

    def __str__(self) -> str:
        return f"{self.conference_id}: {self.name}"

    def is_open(self, *, now: dt.datetime) -> bool:
        """Whether the link shows anything."""
        return self.revoked_at is None and self.expires_at > now
