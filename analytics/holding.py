"""Held reports: an organizer releases or voids them.

A decision is committed first; carrying it out may be interrupted at any point and repeated. Of a decision
about all held reports, the keys of each slice are noted before any of it changes: after a crash, what the
worker may have left without a reaction is known.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.utils import timezone

from analytics.days.dirty import mark_days_dirty
from analytics.events.rows import to_row
from analytics.models import Event, HoldDecision
from analytics.reactions import handlers
from analytics.selectors.held import find_held
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

MAX_EVENTS = 500
Action = HoldDecision.Action
Hold = Event.Hold


def decide(
    *,
    conference_id: str,
    action: Action,
    event_ids: Sequence[str],
    reason: str,
    by: str,
    now: dt.datetime | None = None,
) -> HoldDecision:
    """Note a decision; `carry_out_decisions` does what follows.

    event_ids: at most MAX_EVENTS; empty: all that are held now. Those that were voided may be released.
    """
    return HoldDecision.objects.create(
        id=uuid.uuid4().hex,
        conference_id=conference_id,
        action=action,
        is_for_all=not event_ids,
        keys=sorted({Event.key(event_id, conference_id) for event_id in event_ids}),
        reason=reason,
        decided_by=by,
        decided_at=now or timezone.now(),
    )


def carry_out_decisions() -> int:
    """Carry out what is not done, oldest first. Returns how many decisions that were."""
    decisions = list(HoldDecision.objects.filter(done_at__isnull=True).order_by("decided_at"))
    for decision in decisions:
        _carry_out(decision)
    return len(decisions)


def _carry_out(decision: HoldDecision) -> None:
    if decision.keys:  # of a decision for all: the slice at which a worker died
        _apply(decision)
    if decision.is_for_all:
        held = find_held(decision.conference_id).filter(received_at__lte=decision.decided_at)
        while keys := list(held.values_list("id", flat=True)[:MAX_EVENTS]):
            decision.keys = keys
            decision.event_count += len(keys)
            decision.save(update_fields=["keys", "event_count"])
            _apply(decision)
    else:
        decision.event_count = len(decision.keys)
    decision.done_at = timezone.now()
    decision.save(update_fields=["event_count", "done_at"])
    log.info("held_reports_decided", conference_id=decision.conference_id, action=decision.action)


def _apply(decision: HoldDecision) -> None:
    """Change the events, then react as to a delivery of them. Harmless to repeat."""
    events = Event.objects.filter(id__in=decision.keys)
    if decision.action == Action.RELEASE:
        events.exclude(hold=Hold.NONE).update(hold=Hold.NONE)
        handlers.react([to_row(event) for event in events.order_by("ts", "id")])
    else:
        events.filter(hold=Hold.HELD).update(hold=Hold.VOID)
        days = events.exclude(local_date=None).values_list("conference_id", "local_date")
        mark_days_dirty({(conference_id, date) for conference_id, date in days if date is not None})
