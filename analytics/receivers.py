"""What analytics does when conferences change. Only hints: analytics/localise.py finds changes by itself."""

from contextlib import suppress
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from analytics.tasks import refresh_dirty_days
from conferences.signals import conference_saved


@receiver(conference_saved, dispatch_uid="analytics.refresh_soon")
def refresh_soon(sender: Any, **kwargs: Any) -> None:
    """Adopt waiting events, or compute days anew, now instead of at the next tick."""
    with suppress(OperationalError):  # while the broker is away; the tick will do it
        refresh_dirty_days.apply_async(retry=False)
