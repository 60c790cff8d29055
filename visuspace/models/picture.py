"""Pictures of a conference's pages."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.models.registration import new_id


class Picture(models.Model):
    """A picture that pages of a conference show. Only visuspace/services/pictures.py changes it.

    It is in the database because it is small, public, and as long-lived as the pages that name it
    (docs/adr/0045-pictures-in-the-database.md). Lists must defer `content`.
    """

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="pictures", verbose_name=_("conference")
    )
    file_name = models.CharField(_("file name"), max_length=255)
    # The conversion that makes it, until it is made; no foreign key, since that app is beside this one.
    conversion_id = models.CharField(max_length=32, blank=True, db_index=True, editable=False)
    content = models.BinaryField(default=b"", editable=False)  # WebP, without metadata; empty: not made yet
    width = models.PositiveIntegerField(_("width"), default=0)
    height = models.PositiveIntegerField(_("height"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("uploaded by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["-id"]
        indexes = [models.Index(fields=["conference", "-id"], name="picture_list")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_ready(self) -> bool:
        """Whether it can be shown."""
        return self.width > 0
