"""The facts: what was reported, and what organizers decided. All else is derived from them."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

from meeteasy.core.fields import KeyField
from sharing.models.instants import instant


class ShareClaim(models.Model):
    """A fact: somebody shared a code, or the server minted it. Which claim decides: docs/sharing.md."""

    id = KeyField(_("event"), primary_key=True, max_length=145)  # event id/conference id
    # No foreign key: the link is derived from the claims, not the other way round.
    link_key = KeyField(_("link"), max_length=130)
    ms = models.BigIntegerField()
    received_ms = models.BigIntegerField()
    sharer = KeyField(_("sharer"), max_length=80)
    parent_key = KeyField(_("parent"), max_length=130, blank=True)
    channel = models.CharField(_("channel"), max_length=512, blank=True)
    target_url = models.CharField(_("target"), max_length=2048, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True)
    is_minted = models.BooleanField(_("minted here"), default=False)
    is_proven = models.BooleanField(
        _("proven"), default=False, help_text=_("The code itself shows that it was made for this visitor.")
    )
    is_automatic = models.BooleanField(
        _("made by the browser only"), default=False,
        help_text=_("For its address bar; nobody has shared it yet."),
    )  # fmt: skip
    is_bot = models.BooleanField(_("bot"), default=False)

    class Meta:
        verbose_name = _("claim to a share link")
        verbose_name_plural = _("claims to share links")
        # Finds when a sharer first shared a code, among any number of claims to it.
        indexes = [models.Index(fields=["link_key", "sharer", "ms"], name="claim_sharer_time")]

    def __str__(self) -> str:
        return f"{self.link_key} · {self.sharer}"

    @property
    def claimed_at(self) -> dt.datetime:
        return instant(self.ms)


class ShareOpen(models.Model):
    """A fact: a visitor opened a share code. A visitor's first open and number of opens come from these."""

    id = KeyField(_("event"), primary_key=True, max_length=145)  # event id/conference id
    link_key = KeyField(_("link"), max_length=130)
    visitor = KeyField(_("visitor"), max_length=80)
    ms = models.BigIntegerField()
    is_bot = models.BooleanField(_("bot"), default=False)
    is_early = models.BooleanField(
        default=False, help_text=_("It came, or happened, before its link was known to be shared.")
    )
    # Digest of the chain that the browser reported, for comparison with the tree; empty if it sent none.
    chain_digest = models.CharField(max_length=16, blank=True)

    class Meta:
        verbose_name = _("opened share link")
        verbose_name_plural = _("opened share links")
        # Opens are most of the rows that sharing writes, so each index matters. The index of visitors gets
        # its rows in random order and is kept small. The primary key's come in time order, like event ids.
        indexes = [
            models.Index(fields=["visitor"], name="open_visitor"),
            # Finds the earlier opens of a link that becomes known, and the registrations that it may affect.
            # Other opens are counted on arrival, as an index of all opens would cost as much as the table.
            models.Index(fields=["link_key"], name="open_early", condition=models.Q(is_early=True)),
        ]

    def __str__(self) -> str:
        return f"{self.link_key} · {self.visitor}"

    @property
    def opened_at(self) -> dt.datetime:
        return instant(self.ms)


class ShareRegistration(models.Model):
    """A fact: who registered, when, and with which code; one row for all events of one registration.

    If the registration has confirmed events (our form, an import, a secret key), only they decide. Otherwise
    the reports of clients decide, and held reports only if there is nothing else. The first deciding event
    sets the time. The visitor and the code come from the first deciding event that has them.
    """

    # conference id/registration id; without a registration id, `report:` and a digest of visitor and form.
    id = KeyField(primary_key=True, max_length=130)
    conference_id = KeyField(_("conference"), max_length=64)
    ms = models.BigIntegerField()
    event_id = KeyField(_("event"), max_length=80)
    visitor = KeyField(_("visitor"), max_length=80, blank=True)
    visitor_ms = models.BigIntegerField(null=True)
    visitor_event_id = KeyField(max_length=80, blank=True)
    code_key = KeyField(_("code it came with"), max_length=130, blank=True)
    code_ms = models.BigIntegerField(null=True)
    code_event_id = KeyField(max_length=80, blank=True)
    form_digest = KeyField(max_length=16, blank=True, default="")
    is_confirmed = models.BooleanField(
        _("confirmed"), default=False,
        help_text=_("By our own form, an import or a secret key; otherwise a client reported it."),
    )  # fmt: skip
    is_held = models.BooleanField(
        _("held"), default=False, help_text=_("Reported beyond the quota, until an organizer decides.")
    )
    is_trusted = models.BooleanField(
        _("trusted"), default=True,
        help_text=_("Confirmed, or reported while the conference trusted what clients report."),
    )  # fmt: skip
    window_days = models.PositiveIntegerField(
        _("attribution window in days"), help_text=_("The conference's setting when it was first heard of.")
    )

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        indexes = [
            models.Index(fields=["visitor", "conference_id"], name="share_registration_visitor"),
            models.Index(fields=["conference_id", "ms"], name="share_registration_time"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def registration_id(self) -> str:
        return self.id.partition("/")[2]

    @property
    def registered_at(self) -> dt.datetime:
        return instant(self.ms)


class RegistrationStanding(models.Model):
    """A fact: whether a registration stands, according to each source; the highest version of each counts.

    It may arrive before the registration.
    """

    id = KeyField(primary_key=True, max_length=130)  # conference id/registration id
    state_version = models.PositiveIntegerField(default=0)
    is_withdrawn = models.BooleanField(_("withdrawn"), default=False)
    void_version = models.PositiveIntegerField(default=0)
    is_void = models.BooleanField(_("voided"), default=False)

    def __str__(self) -> str:
        return self.id


class Void(models.Model):
    """A fact: an organizer decided that a registration, a link or a sharer does not count, or counts again.

    Each decision has its own row, so the rows are the history. `version` counts the decisions about a target.
    """

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("registration")
        LINK = "link", _("share link")
        SHARER = "sharer", _("sharer")

    conference_id = KeyField(_("conference"), max_length=64)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    # A registration id, a code in its stored form, or a sharer.
    key = KeyField(_("what"), max_length=80)
    reason = models.CharField(_("reason"), max_length=500)
    voided_by = models.CharField(_("voided by"), max_length=150)
    voided_at = models.DateTimeField(_("voided at"))
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True)
    version = models.PositiveIntegerField()
    changed_at = models.DateTimeField(db_index=True)
    is_applied = models.BooleanField(
        _("carried out"), default=False, help_text=_("False: a worker still has to change the links.")
    )

    class Meta:
        verbose_name = _("void")
        verbose_name_plural = _("voids")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conference_id", "kind", "key"],
                condition=models.Q(undone_at__isnull=True),
                name="one_void_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="void_to_apply", condition=models.Q(is_applied=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.conference_id}/{self.key}"
