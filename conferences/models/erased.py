import hmac

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ErasedVisitor(models.Model):
    """An erased visitor, and the random id that replaces theirs from then on.

    Only a keyed digest of the visitor's own id is kept. It recognizes the id in later events but does not
    reveal it. There is no foreign key: an erasure outlives the conference, whose events may arrive again.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    conference_id = models.CharField(_("conference"), max_length=64, db_index=True)
    replacement = models.CharField(_("replacement"), max_length=64)

    class Meta:
        verbose_name = _("erased visitor")
        verbose_name_plural = _("erased visitors")

    def __str__(self) -> str:
        return self.replacement

    @staticmethod
    def digests(conference_id: str, visitor_id: str) -> list[str]:
        """Return the digests under the secret key and under the old keys that are still accepted."""
        text = f"conferences.erased:{conference_id}/{visitor_id}".encode()
        keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return [hmac.digest(key.encode(), text, "sha256").hex() for key in keys]
