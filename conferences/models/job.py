from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference
from meeteasy.core.slices import SlicedJob


class Job(SlicedJob):
    """A job that a person started on many registrations of a conference: an import, or decisions.

    Its report is kept. It holds line numbers and messages, no personal data. The uploaded file is deleted
    when the job ends.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", _("import")
        DECISION = "decision", _("decision")

    conference = models.ForeignKey(
        Conference, on_delete=models.CASCADE, related_name="jobs", verbose_name=_("conference")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    # {"dry_run"} for an import; {"action"} and either {"ids"} or {"filter"} for a decision.
    arguments = models.JSONField(default=dict)
    content = models.BinaryField(default=b"", editable=False)  # the file of an import
    # Counts by name, e.g. {"created": 2, "existing": 1, "failed": 3}.
    counts = models.JSONField(_("counts"), default=dict)
    # The first MAX_ERRORS problems; counts["failed"] says how many there are.
    errors = models.JSONField(_("errors"), default=list)
    # The first MAX_ERRORS warnings; counts["warnings"] says how many there are.
    warnings = models.JSONField(_("warnings"), default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("started by"),
    )  # fmt: skip

    STEP_FIELDS = ("counts", "errors", "warnings")
    MAX_ERRORS = 1000

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["conference", "-id"], name="job_list"),
            models.Index(fields=["status", "rung_at"], name="job_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.conference_id} · {self.status}"
