"""Receipts of the public form (conferences/models/receipt.py)."""

import datetime as dt

from django.conf import settings
from django.utils import timezone

from conferences.models import RegistrationReceipt

# Browsers report a receipt soon after they get it, or when the page is opened again.
_REMEMBERED = dt.timedelta(days=90)


def forget_old_receipts(*, now: dt.datetime | None = None) -> int:
    """Delete receipts that are too old to appear in new events. Returns the number of deleted receipts."""
    remembered = max(_REMEMBERED, 2 * dt.timedelta(days=settings.INGEST_ACCEPTANCE_DAYS))
    before = (now or timezone.now()) - remembered
    return RegistrationReceipt.objects.filter(created_at__lt=before).delete()[0]
