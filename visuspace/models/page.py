"""Pages of a conference, one for each language, and their revisions. Only visuspace/services changes them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.models.registration import new_id


class Page(models.Model):
    """The page of a conference in one language. Visitors see `published`, organizers edit `draft`."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="pages", verbose_name=_("conference")
    )
    language = models.CharField(_("language"), max_length=16)
    draft = models.ForeignKey(
        "Revision", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("draft"),
    )  # fmt: skip
    published = models.ForeignKey(
        "Revision", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("published"), help_text=_("Empty: visitors see the plain page."),
    )  # fmt: skip
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("event page")
        verbose_name_plural = _("event pages")
        ordering = ["conference", "language"]
        constraints = [
            models.UniqueConstraint(fields=["conference", "language"], name="one_page_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.language}"


class Revision(models.Model):
    """A state of a page's content. It never changes."""

    class Source(models.TextChoices):
        GENERATED = "generated", _("generated")
        EDITED = "edited", _("edited")
        RESTORED = "restored", _("restored")

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="revisions", verbose_name=_("page"))
    number = models.PositiveIntegerField(_("number"))
    blocks = models.JSONField(_("blocks"))  # visuspace/blocks.py
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("created by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["page", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.page_id} · {self.number}"
