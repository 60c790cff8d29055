"""Jobs that let a provider write the text of a page."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.registration import new_id
from meeteasy.core.jobs import LeasedModel
from visuspace.models.page import Page, Revision


class GenerationJob(LeasedModel):
    """One generation of a page's text.

    `key` says what was asked: page, prompt, provider, model, version of our instructions, generation number.
    So a repeated request finds the job that exists and pays nothing, and only “generate again” asks the
    provider again.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="jobs", verbose_name=_("page"))
    key = models.CharField(max_length=64, unique=True, editable=False)
    prompt = models.TextField(_("prompt"), blank=True)
    provider = models.CharField(_("provider"), max_length=40)
    model = models.CharField(_("model"), max_length=200, blank=True)
    generation = models.PositiveIntegerField(_("generation"), default=1)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    due_at = models.DateTimeField(_("due at"), help_text=_("Not before this."))
    # Set before each call. A crash between the call and its storing may pay twice; this says that it could.
    called_at = models.DateTimeField(_("called at"), null=True, blank=True)
    revision = models.ForeignKey(
        Revision, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("revision"),
    )  # fmt: skip
    error_code = models.CharField(_("error"), max_length=40, blank=True)
    error_message = models.TextField(_("error message"), blank=True)
    tokens_in = models.PositiveIntegerField(_("tokens read"), default=0)
    tokens_out = models.PositiveIntegerField(_("tokens written"), default=0)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=6, default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("created by"),
    )  # fmt: skip
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("generation job")
        verbose_name_plural = _("generation jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "due_at"], name="generation_waiting"),
            models.Index(fields=["page", "-id"], name="generation_list"),
        ]

    def __str__(self) -> str:
        return f"{self.page_id} · {self.status}"

    @property
    def is_finished(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.FAILED)
