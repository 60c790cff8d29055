from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference


class IdempotencyKey(models.Model):
    """The stored answer to a request with an `Idempotency-Key`, for repeats of that request.

    It is committed together with the request's changes. The answer holds ids and states, no personal data.
    """

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="+")
    # The kind of request: the same key on another kind of request is a different key.
    scope = models.CharField(max_length=32)
    key = models.CharField(_("key"), max_length=255)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(_("HTTP status"))
    answer = models.JSONField(_("answer"))
    created_at = models.DateTimeField(_("created at"), db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["conference", "scope", "key"], name="one_answer_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.conference_id} · {self.scope} · {self.key}"
