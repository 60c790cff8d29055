"""Queries for channels that pause because their provider is unreachable or refuses us."""

import datetime as dt

from notifications.models import Outage


def find_pause(channel: str, now: dt.datetime) -> dt.datetime | None:
    """Return the end of the channel's pause, or None if it does not pause."""
    pauses = Outage.objects.filter(channel=channel, paused_until__gt=now)
    return pauses.values_list("paused_until", flat=True).first()


def list_outages(*, needs_attention: bool | None = None) -> list[Outage]:
    """Return the current outages. With `needs_attention=True`, only those that a person must fix."""
    outages = Outage.objects.order_by("channel")
    if needs_attention is not None:
        outages = outages.filter(needs_attention=needs_attention)
    return list(outages)
