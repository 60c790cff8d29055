"""What sharing does with stored events, and the figures that it adds to a day."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from analytics.days.figures import figures_from
from analytics.events.rows import EventRow
from analytics.reactions.handlers import on_event
from analytics.signals import adopted_late, trust_changed, unclaimed_dropped
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import EVENT_TYPES, read_facts
from sharing.selectors.figures import count_day
from sharing.services.dropping import drop
from sharing.services.rebuilding import rebuild, rederive_registrations


@on_event(*EVENT_TYPES)
def attribute_shares(events: Sequence[EventRow]) -> None:
    apply_facts(read_facts(events))


@figures_from("shares", "share_conversions")
def share_figures(conference_id: str, date: dt.date) -> dict[str, int]:
    return count_day(conference_id, date)


@receiver(trust_changed, dispatch_uid="sharing.rederive_registrations")
def judge_registrations_anew(sender: Any, conference_id: str, **kwargs: Any) -> None:
    rederive_registrations(conference_id)


@receiver(unclaimed_dropped, dispatch_uid="sharing.drop")
def drop_unclaimed(sender: Any, conference_ids: Sequence[str], **kwargs: Any) -> None:
    drop(conference_ids)


@receiver(adopted_late, dispatch_uid="sharing.rebuild")
def rebuild_late(sender: Any, conference_id: str, **kwargs: Any) -> None:
    rebuild(conference_id)
