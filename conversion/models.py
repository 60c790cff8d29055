"""Conversions: the row is the job. docs/conversion.md explains the states."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from meeteasy.core.fields import KeyField
from meeteasy.core.jobs import LeasedModel
from meeteasy.core.slices import new_job_id


class ConversionJob(LeasedModel):
    """The conversion of one uploaded file.

    The result's path is a function of the conference, the file's content, the parameters and the converters'
    versions. Jobs with the same path share the file; it is deleted when the last of them goes.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        REMOVING = "removing", _("being removed")  # its files are being deleted, then the row

    id = KeyField(primary_key=True, max_length=32, default=new_job_id, editable=False)
    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="conversions", verbose_name=_("conference")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)

    file_name = models.CharField(_("file name"), max_length=255)
    input_path = KeyField(max_length=200, editable=False)
    input_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    input_bytes = models.PositiveBigIntegerField(_("size of the file"))
    # What the content says it is: a key of conversion/inspecting/kinds.py. Empty until a worker has looked.
    kind = models.CharField(_("type of the file"), max_length=16, default="", blank=True)
    # A key of conversion/converters. Without choices, a new one needs no migration.
    target = models.CharField(_("converted into"), max_length=32)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)

    output_path = KeyField(max_length=200, default="", blank=True, editable=False, db_index=True)
    # The result of the first of two steps, e.g. the PDF of which page pictures are made.
    between_path = KeyField(max_length=200, default="", blank=True, editable=False, db_index=True)
    output_bytes = models.PositiveBigIntegerField(_("size of the result"), default=0)
    # What the programs report of the result, e.g. {"pages": 12}.
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    pages_done = models.PositiveIntegerField(_("pages done"), default=0)
    pages_total = models.PositiveIntegerField(_("pages in all"), default=0)

    # A Problem; empty: none. Its message is made when it is shown, in the reader's language.
    error_code = models.CharField(_("error"), max_length=32, default="", blank=True)
    error_details = models.JSONField(_("error details"), default=dict, blank=True)

    # Failures that were not the file's fault, such as an unavailable storage, since the last success.
    failures = models.PositiveIntegerField(default=0, editable=False)
    due_at = models.DateTimeField(_("due at"), default=timezone.now, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("uploaded by"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    # Seconds of each step that ran, e.g. {"pdf": 1.6, "pages": 0.4}. Empty: the result existed.
    seconds = models.JSONField(_("seconds"), default=dict, blank=True)

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["conference", "-id"], name="conversion_list"),
            models.Index(fields=["status", "due_at"], name="conversion_due"),
            models.Index(fields=["status", "finished_at"], name="conversion_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} → {self.target} · {self.status}"

    @property
    def is_finished(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.FAILED)
