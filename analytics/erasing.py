"""Erasing a visitor from events: from those that are stored, and from those that arrive afterwards.

Whoever erases notes it first (conferences/services/erasing.py) and then calls `erase_events`; whoever stores
events calls `erase_late` afterwards. So of two that do it at once, one at least finds what the other did.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from analytics.dirty import mark_days_dirty
from analytics.fact_figures import is_fact
from analytics.models import Event
from analytics.rows import EventRow, to_row
from conferences.selectors.erased import find_replacement, load_replacements
from conferences.services.erasing import erase_in_registrations

_EVENTS_AT_ONCE = 500
_TEXT_LIMITS = (512, 2048)  # of Text and LongText (analytics/event_types)
# What the tree is made of. A code that is equal to its sharer's id stays: it stands on posters.
_CODES = frozenset({"share_code", "parent_share_code", "attribution_chain"})


def erase_events(conference_id: str, visitor_id: str, replacement: str) -> int:
    """Erase a visitor from the stored events. Returns how many there were. May be repeated."""
    found = Event.objects.filter(conference_id=conference_id, visitor_id=visitor_id)
    ids, days = [], set()
    for event_id, date in found.values_list("event_id", "local_date"):
        ids.append(event_id)
        if date is not None:
            days.add((conference_id, date))
    try:
        for start in range(0, len(ids), _EVENTS_AT_ONCE):
            for event in Event.objects.filter(event_id__in=ids[start : start + _EVENTS_AT_ONCE]):
                row = to_row(event)
                _erase(row, replacement)
                _save(row)
    finally:  # whoever counted meanwhile has counted one person as two
        mark_days_dirty(days)
    return len(ids)


def erase_late(rows: Sequence[EventRow]) -> None:
    """Erase from `rows`, which are stored by now, and from the store those who are noted as erased."""
    changed = erase_rows(rows)
    # A registration that came after its visitor was erased has brought the id along into its row. Before the
    # events: once they are saved, nobody who comes after a crash sees that there was something to do.
    for conference_id, visitor_id, replacement in {
        (row.conference_id, visitor_id, row.visitor_id)
        for row, visitor_id in changed
        if is_fact(row.event_id)
    }:
        erase_in_registrations(conference_id, visitor_id, replacement)
    for row, _ in changed:
        _save(row)


def erase_rows(rows: Sequence[EventRow]) -> list[tuple[EventRow, str]]:
    """Erase from `rows` those who are noted as erased. Returns the rows that changed, with the former ids.

    One query, and no more, where nobody was erased in the conferences of `rows`.
    """
    erased = load_replacements({row.conference_id for row in rows})
    if not erased:
        return []
    replacements: dict[tuple[str, str], str | None] = {}
    changed = []
    for row in rows:
        known = erased.get(row.conference_id)
        if known is None or not row.visitor_id:
            continue
        visitor = (row.conference_id, row.visitor_id)
        if visitor not in replacements:
            replacements[visitor] = find_replacement(known, *visitor)
        replacement = replacements[visitor]
        if replacement is not None:
            _erase(row, replacement)
            changed.append((row, visitor[1]))
    return changed


def erase_text(text: str, visitor_id: str, replacement: str) -> str:
    """The text without the id, as it is or percent-encoded, where it is not part of a longer word.

    Cut at the length that a text of its kind may have: a short id, many times in it, would make it outgrow
    its column.
    """
    limit = next((limit for limit in _TEXT_LIMITS if len(text) <= limit), len(text))
    return _pattern(visitor_id).sub(replacement, text)[:limit]


def erase_subject(subject: str, visitor_id: str, replacement: str) -> str:
    """The same of an event's subject, e.g. the id of a registration that is made of the visitor's."""
    return erase_text(subject, visitor_id, replacement)[:64]


@lru_cache(maxsize=128)
def _pattern(visitor_id: str) -> re.Pattern[str]:
    forms = {re.escape(visitor_id), re.escape(quote(visitor_id, safe=""))}
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(forms))})(?![\w-])")


def _erase(row: EventRow, replacement: str) -> None:
    """What nothing is counted by goes altogether; of the rest, the id in it."""
    visitor_id = row.visitor_id

    def erase(value: Any) -> Any:
        if isinstance(value, str):
            return erase_text(value, visitor_id, replacement)
        return [erase(item) for item in value] if isinstance(value, list) else value

    data = row.decode_data()
    data = {name: value if name in _CODES else erase(value) for name, value in data.items()}
    row.data = msgspec.json.encode(data).decode()
    if row.subject != data.get("share_code"):
        row.subject = erase_subject(row.subject, visitor_id, replacement)
    row.visitor_id, row.session_id, row.properties = replacement, "", "{}"


def _save(row: EventRow) -> None:
    Event.objects.filter(event_id=row.event_id).update(
        visitor_id=row.visitor_id, session_id=row.session_id, subject=row.subject, data=row.decode_data(),
        properties={},
    )  # fmt: skip
