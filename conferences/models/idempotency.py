from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.conference import Conference


class IdempotencyKey(models.Model):
    """The answer to a request that carried an `Idempotency-Key`, for when the request is repeated.

    Committed together with what the request did. The answer holds ids and states, no personal data.
    """

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="+")
    # What the key was sent to: the same key means nothing to another kind of request.
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
