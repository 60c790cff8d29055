"""Who may send events for a conference: keys, and the names by which other tools' sites know it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference
from conferences.validators import validate_single_line
from meeteasy.core.fields import KeyField


class EventKey(models.Model):
    """A key of the event door. Its text is shown once, when it is made (conferences/keys.py)."""

    class Kind(models.TextChoices):
        WRITE = "write", _("write key: public, for pages and apps")
        SECRET = "secret", _("secret key: for servers, whose events are confirmed")

    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="event_keys", verbose_name=_("conference")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    name = models.CharField(
        _("name"), max_length=100, validators=[validate_single_line],
        help_text=_("Where it is used, e.g. “ticket shop”."),
    )  # fmt: skip
    prefix = models.CharField(_("begins with"), max_length=80, editable=False)
    digest = KeyField(_("SHA-256"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("created by"),
    )  # fmt: skip
    last_used_at = models.DateTimeField(
        _("last used at"), null=True, blank=True, help_text=_("To about a minute.")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("event key")
        verbose_name_plural = _("event keys")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class Alias(models.Model):
    """A name by which a site with another tool's tracker knows the conference: a domain, or a website's id.

    Several conferences may claim a name. It belongs to the one whose claim is verified.
    """

    class Kind(models.TextChoices):
        DOMAIN = "domain", _("domain (Plausible)")
        WEBSITE = "website", _("website id (Umami)")

    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("conference")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    name = KeyField(
        _("name"), max_length=253,
        help_text=_("A domain like example.org, or a website id like 0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10."),
    )  # fmt: skip
    # What the site must show to prove that the name is theirs; public.
    proof = models.CharField(_("proof"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False,
        verbose_name=_("created by"),
    )  # fmt: skip
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True, editable=False)
    # The check that was asked for; a sweep does it if its message was lost.
    check_requested_at = models.DateTimeField(null=True, editable=False)
    check_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    check_problem = models.CharField(_("last check"), max_length=300, blank=True, editable=False)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["conference", "name"], name="alias_once_per_conference"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(verified_at__isnull=False),
                name="alias_of_one_conference",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["check_requested_at"],
                condition=models.Q(check_requested_at__isnull=False),
                name="alias_check_requested",
            )
        ]

    def __str__(self) -> str:
        return self.name
