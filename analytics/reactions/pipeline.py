"""Store, then react: what happens to all events, from the stream and from imports.

Every step may be repeated: the store knows each event once, and reactions are idempotent and run for old
and new events alike, on what is stored. docs/delivery.md walks through a crash between every two steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from analytics import store
from analytics.days.dirty import mark_conference_dirty
from analytics.days.sealing import split_expired
from analytics.days.zones import QUARTER_MS, LocalDates, get_zones, local_date
from analytics.erasing import erase_late
from analytics.event_types import is_confirmed
from analytics.events.rows import EventRow, replace_registration_id, to_row
from analytics.models import Event
from analytics.reactions import handlers
from analytics.reactions.quota import REPORTED_TYPES, hold_reports
from conferences.selectors.receipts import resolve_receipts
from meeteasy.core.logs import get_logger
from meeteasy.core.sqlite import bound_log

log = get_logger(__name__)

_RECEIPT = "rct_"


@dataclass(frozen=True)
class StoreResult:
    """How many events were new, how many were known or repeated, and how many were older than their
    conference keeps (analytics/days/sealing.py)."""

    stored: int
    duplicate: int
    expired: int = 0


def store_and_react(rows: Sequence[EventRow]) -> StoreResult:
    """Store what is new of `rows` and run the reactions for all of them.

    Raises StoreUnavailableError or RowsRefusedError (analytics.store), or whatever a reaction raises.
    """
    unique = _without_repeats(rows)
    conference_ids = {row.conference_id for row in unique}
    zones = get_zones(conference_ids)
    dates = {conference_id: LocalDates(zone) for conference_id, zone in zones.items()}
    for row in unique:
        of_zone = dates.get(row.conference_id)
        row.local_date = None if of_zone is None else of_zone[row.ts_ms // QUARTER_MS]
    unique, expired = split_expired(unique)
    if expired:
        log.warning("events_beyond_retention", events=expired)

    reports = [row for row in unique if row.type in REPORTED_TYPES and not is_confirmed(row.event_id)]
    if reports:
        _resolve_receipts(reports)
        hold_reports(reports)

    known = store.insert_new(unique)
    stored = _as_stored(unique, known) if known else unique
    erase_late(stored)

    # A zone that changed while we stored: the stored events may have been redated before our rows were among
    # them. A zone that changes from here on finds our rows. A worker that died before this point left events
    # with a date of the former zone; they are delivered again, as known ones.
    zones_now = get_zones(conference_ids)
    moved = {conference_id for conference_id, zone in zones_now.items() if zones.get(conference_id) != zone}
    if stored is not unique:
        moved |= {
            row.conference_id
            for row in stored
            if row.conference_id in zones_now
            and row.local_date != local_date(zones_now[row.conference_id], row.ts_ms)
        }
    for conference_id in moved:
        mark_conference_dirty(conference_id)

    handlers.react(stored)
    bound_log(connection)
    new = len(unique) - len(known)
    return StoreResult(stored=new, duplicate=len(rows) - new - expired, expired=expired)


def _without_repeats(rows: Sequence[EventRow]) -> list[EventRow]:
    """Of rows with one key the first. Usually there are none, which the shorter ids show, too."""
    if len({row.event_id for row in rows}) == len(rows):
        return list(rows)
    unique = list({row.key: row for row in reversed(rows)}.values())
    unique.reverse()
    return unique


def _resolve_receipts(reports: list[EventRow]) -> None:
    """The public form answers with a receipt in place of the registration's id; reports may name it. Unknown
    receipts, and those of another conference, stay as they are."""
    named = [row for row in reports if row.subject.startswith(_RECEIPT)]
    if not named:
        return
    registration_ids = resolve_receipts({row.subject for row in named})
    for row in named:
        registration_id = registration_ids.get((row.conference_id, row.subject))
        if registration_id is not None:
            replace_registration_id(row, registration_id)


def _as_stored(rows: list[EventRow], known: set[str]) -> list[EventRow]:
    """The rows, with known ones replaced by what is stored: a repeated event may say otherwise."""
    keys = sorted(known)
    stored: dict[str, EventRow] = {}
    for start in range(0, len(keys), 500):
        for event in Event.objects.filter(id__in=keys[start : start + 500]):
            stored[event.id] = to_row(event)
    return [stored.get(row.key, row) for row in rows]
