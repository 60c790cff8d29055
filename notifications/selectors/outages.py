"""Reading which channels pause because their provider is out of reach or refuses us."""

import datetime as dt

from notifications.models import Outage


def find_pause(channel: str, now: dt.datetime) -> dt.datetime | None:
    """Until when the channel pauses; None if it does not."""
    pauses = Outage.objects.filter(channel=channel, paused_until__gt=now)
    return pauses.values_list("paused_until", flat=True).first()


def list_outages(*, needs_attention: bool | None = None) -> list[Outage]:
    """The outages that last; with `needs_attention=True` only those that a person must end."""
    outages = Outage.objects.order_by("channel")
    if needs_attention is not None:
        outages = outages.filter(needs_attention=needs_attention)
    return list(outages)
