"""Held reports: an organizer releases or voids them.

A decision is committed first; carrying it out may be interrupted at any point and repeated. The keys of each
slice are noted before any of it changes: after a crash, what the worker may have left without a reaction is
known. One worker at a time carries out a decision, and those of a conference go in their order.
"""

import datetime as dt
import time
import uuid
from collections.abc import Sequence

from django.db.models import Q
from django.utils import timezone

from analytics.days.dirty import mark_days_dirty
from analytics.events.rows import to_row
from analytics.models import Event, HoldDecision
from analytics.reactions import handlers
from analytics.selectors.held import find_held
from meeteasy.core.jobs import claim, lease_over, update_claimed
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

MAX_EVENTS = 500
# A run ends after this time and is continued by the next, so that other tasks of the queue get their turn.
RUN_SECONDS = 20
TIME_LIMIT_SECONDS = 120
_LEASE_SECONDS = 150
_DECISIONS_AT_ONCE = 100
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


def carry_out_decisions() -> bool:
    """Carry out what is not done, oldest first, for some seconds. Returns whether some is left to do now."""
    end = time.monotonic() + RUN_SECONDS
    waiting = HoldDecision.objects.filter(done_at__isnull=True)
    decisions = list(waiting.order_by("decided_at", "id")[:_DECISIONS_AT_ONCE])
    at_work: set[str] = set()  # conferences with an earlier decision that another worker has
    for number, decision in enumerate(decisions):
        if number and time.monotonic() > end:
            return True
        if decision.conference_id in at_work:
            continue
        now = timezone.now()
        free = waiting.filter(Q(lease_until__isnull=True) | lease_over(now))
        token = claim(free, pk=decision.pk, lease_seconds=_LEASE_SECONDS, now=now)
        if token is None:
            at_work.add(decision.conference_id)
            continue
        decision.refresh_from_db()
        try:
            if not _carry_out(decision, token, end):
                return True
        except Exception:  # costs no other conference its decisions; tried again when the lease has expired
            log.exception("held_reports_failed", conference_id=decision.conference_id)
            at_work.add(decision.conference_id)
    return len(decisions) == _DECISIONS_AT_ONCE


def _carry_out(decision: HoldDecision, token: str, end: float) -> bool:
    """Returns whether the decision is done; False: the time is up, or another worker has taken over."""
    if decision.event_count:  # the slice at which a worker stopped
        _apply(decision)
    elif decision.keys and not _note_slice(decision, _find_concerned(decision), token):
        return False
    while decision.is_for_all:
        held = find_held(decision.conference_id).filter(received_at__lte=decision.decided_at)
        if decision.keys:
            held = held.filter(id__gt=decision.keys[-1])
        keys = list(held.values_list("id", flat=True)[:MAX_EVENTS])
        if not keys:
            break
        if not _note_slice(decision, keys, token):
            return False
        if time.monotonic() > end:
            update_claimed(HoldDecision.objects.all(), pk=decision.pk, token=token, lease_until=None)
            return False
    update_claimed(
        HoldDecision.objects.all(), pk=decision.pk, token=token, done_at=timezone.now(), lease_until=None
    )
    log.info(
        "held_reports_decided",
        conference_id=decision.conference_id, action=decision.action, events=decision.event_count,
    )  # fmt: skip
    return True


def _find_concerned(decision: HoldDecision) -> list[str]:
    """Of the events that the decision names, the keys of those that it changes, in order."""
    events = Event.objects.filter(id__in=decision.keys)
    if decision.action == Action.RELEASE:
        events = events.exclude(hold=Hold.NONE)
    else:
        events = events.filter(hold=Hold.HELD)
    return sorted(events.values_list("id", flat=True))


def _note_slice(decision: HoldDecision, keys: list[str], token: str) -> bool:
    """Note these keys, then change their events. Returns False if another worker has taken over."""
    decision.keys = keys
    decision.event_count += len(keys)
    is_ours = update_claimed(
        HoldDecision.objects.all(),
        pk=decision.pk, token=token, keys=keys, event_count=decision.event_count,
        lease_until=timezone.now() + dt.timedelta(seconds=_LEASE_SECONDS),
    )  # fmt: skip
    if is_ours and keys:
        _apply(decision)
    return is_ours


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
