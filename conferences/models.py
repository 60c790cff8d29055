"""Conferences and who may see them."""

import zoneinfo
from datetime import date, datetime
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    """Refuse what is not an IANA zone name, such as `CST` or `UTC+8`."""
    if name not in _zone_names():
        raise ValidationError(
            _("“%(name)s” is not an IANA time zone, e.g. Asia/Shanghai"), params={"name": name}
        )


class Conference(models.Model):
    """An event that people register for. Its time zone decides which local day an event counts on."""

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
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone],
        help_text=_("IANA name, e.g. Asia/Shanghai. Changing it computes all days again."),
    )  # fmt: skip
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("conference")
        verbose_name_plural = _("conferences")
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def clean(self) -> None:
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValidationError({"ends_at": _("A conference cannot end before it starts.")})

    def local_date(self, instant: datetime) -> date:
        """The conference's own calendar day of an aware `instant`."""
        return instant.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()


class Member(models.Model):
    """A user's part in a conference. Everything that a user may see goes by this table (access.py)."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        HELPER = "helper", _("helper")
        VIEWER = "viewer", _("viewer")

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["conference", "user"], name="one_role_per_member")]

    def __str__(self) -> str:
        return f"{self.user} · {self.conference_id} · {self.role}"
