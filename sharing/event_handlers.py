"""Sharing's reaction to stored events, and the figures that it adds to a day."""

import datetime as dt
from collections.abc import Sequence

from analytics.days.figures import figures_from
from analytics.events.rows import EventRow
from analytics.reactions.handlers import on_event
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import FACT_TYPES, read_facts
from sharing.selectors.figures import count_day


@on_event(*FACT_TYPES)
def attribute_shares(events: Sequence[EventRow]) -> None:
    apply_facts(read_facts(events))


@figures_from("shares", "share_conversions")
def share_figures(conference_id: str, date: dt.date) -> dict[str, int]:
    return count_day(conference_id, date)
