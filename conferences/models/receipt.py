import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from conferences.models.registration import Registration
from meeteasy.core.fields import KeyField

RECEIPT_PREFIX = "rct_"


def new_receipt() -> str:
    """Return `rct_` and 22 characters of base64url: 132 random bits that reveal nothing."""
    return RECEIPT_PREFIX + secrets.token_urlsafe(17)[:22]


class RegistrationReceipt(models.Model):
    """A random token that the public form returns instead of the registration's id, a new one each time.

    An id would tell anyone who enters another person's address whether that person is registered. Browsers
    send the receipt with their events, and analytics looks up its registration.
    """

    receipt = KeyField(primary_key=True, max_length=26, default=new_receipt)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="receipts")
    created_at = models.DateTimeField(_("created at"), db_index=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")

    def __str__(self) -> str:
        return self.receipt
