"""Changes that cached pages must show at once."""

from typing import Any

from django.dispatch import receiver

from conferences import signals
from conferences.models import Conference
from visuspace import cache


@receiver(signals.conference_saved)
def forget_pages(sender: object, conference: Conference, **kwargs: Any) -> None:
    cache.forget(conference)
