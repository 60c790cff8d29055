from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference
from meeteasy.core.slices import SlicedJob


class ExportJob(SlicedJob):
    """An export that a person started. Its file is in DATA_DIR/exports, and is deleted after a day."""

    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="export_jobs", verbose_name=_("conference")
    )
    export = models.CharField(_("export"), max_length=50)  # its name in EXPORTS
    format = models.CharField(_("format"), max_length=5)
    role = models.CharField(_("role"), max_length=10)  # the role that the export needs
    parameters = models.JSONField(_("parameters"), default=dict)
    # Where the next rows begin, and how many bytes of the file are certain.
    cursor = models.TextField(default="", editable=False)
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    is_deleted = models.BooleanField(_("file deleted"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("started by"),
    )  # fmt: skip

    STEP_FIELDS = ("cursor", "size")

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["conference", "-id"], name="export_list"),
            models.Index(fields=["status", "rung_at"], name="export_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.export} · {self.conference_id} · {self.status}"
