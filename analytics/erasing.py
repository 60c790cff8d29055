"""Erasing a visitor from events: from those that are stored, and from those that arrive afterwards.

An erasure is noted first (conferences/services/erasing.py), then `erase_events` is called; after events are
stored, `erase_late` is called. So when both happen at once, at least one of them finds what the other did.
"""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

import msgspec
from django.db.models import Q

from analytics.days.dirty import mark_days_dirty
from analytics.event_types import is_own
from analytics.event_types.registration import is_without_id, subject_without_id
from analytics.events.rows import EventRow, replace_registration_id, to_row
from analytics.models import Event
from conferences.selectors.erased import find_replacement, load_replacements
from conferences.services.erasing import erase_in_registrations
from meeteasy.core.forgetting import request_rewrite

_EVENTS_AT_ONCE = 500
# Types whose subject is the id of a registration, or the event's if it has none.
_OF_REGISTRATIONS = frozenset({"registration", "registration_standing", "checkin", "checkin_undone"})
_SUBJECT_LIMIT = 64
_TEXT_LIMITS = (512, 2048)  # of Text and LongText (analytics/event_types)
# The tree and the figures need these. A code that equals its sharer's id stays: it is on posters. A
# registration's id is replaced if it is the visitor's (`erase_rows`).
_KEPT = frozenset({"share_code", "parent_share_code", "attribution_chain", "registration_id"})


def erase_events(conference_id: str, visitor_id: str) -> int:
    """Erase a visitor, who is noted as erased, from the stored events. Returns how many there were.

    May be repeated. That covers the visitor's own events, and all events of a registration with the
    visitor's id, since they must keep naming the registration alike.
    """
    found = Event.objects.filter(
        Q(visitor_id=visitor_id) | Q(subject=visitor_id, type__in=_OF_REGISTRATIONS),
        conference_id=conference_id,
    )
    keys, days = [], set()
    for key, date in found.values_list("id", "local_date"):
        keys.append(key)
        if date is not None:
            days.add((conference_id, date))
    try:
        for start in range(0, len(keys), _EVENTS_AT_ONCE):
            part = Event.objects.filter(id__in=keys[start : start + _EVENTS_AT_ONCE])
            erase_late([to_row(event) for event in part])
    finally:  # a computation meanwhile counted one person as two
        mark_days_dirty(days)
    return len(keys)


def erase_late(rows: Sequence[EventRow]) -> None:
    """Erase visitors who are noted as erased from `rows`, which are stored by now, and from the store.

    Repeated until there is nothing to do: another erasure of the same events may have saved them before us,
    and had noted that before.
    """
    while changed := erase_rows(rows):
        # A registration that came after its visitor was erased has the id in its row, too. Done before the
        # events: once they are saved, nothing shows after a crash that there was something to do.
        for conference_id, visitor_id, replacement in {
            (row.conference_id, visitor_id, row.visitor_id)
            for row, visitor_id in changed
            if is_own(row.event_id) and row.visitor_id != visitor_id
        }:
            erase_in_registrations(conference_id, visitor_id, replacement)
        _save([row for row, _ in changed])


def erase_rows(rows: Sequence[EventRow]) -> list[tuple[EventRow, str]]:
    """Erase visitors who are noted as erased from `rows`. Returns the rows that changed, with the former
    visitor ids.

    Costs a single query if the conferences of `rows` have no erased visitor.
    """
    erased = load_replacements({row.conference_id for row in rows})
    if not erased:
        return []
    # For each conference, a function that returns a visitor's replacement id.
    finders = {
        conference_id: lru_cache(maxsize=None)(partial(find_replacement, known, conference_id))
        for conference_id, known in erased.items()
    }
    changed = []
    for row in rows:
        find = finders.get(row.conference_id)
        if find is None:
            continue
        visitor_id, subject = row.visitor_id, row.subject
        if row.type in _OF_REGISTRATIONS and (other := find(subject)) is not None:
            replace_registration_id(row, other)
        replacement = find(visitor_id) if visitor_id else None
        if replacement is not None:
            _erase(row, replacement)
        if replacement is not None or row.subject != subject:
            changed.append((row, visitor_id))
    return changed


def erase_text(text: str, visitor_id: str, replacement: str) -> str:
    """The text with the id, plain or percent-encoded, replaced where it is not part of a longer word.

    Cut at the length that a text of its kind may have: replacing a short id many times would outgrow the
    column.
    """
    limit = next((limit for limit in _TEXT_LIMITS if len(text) <= limit), len(text))
    return _pattern(visitor_id).sub(replacement, text)[:limit]


@lru_cache(maxsize=128)
def _pattern(visitor_id: str) -> re.Pattern[str]:
    forms = {re.escape(visitor_id), re.escape(quote(visitor_id, safe=""))}
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(forms))})(?![\w-])")


def _erase(row: EventRow, replacement: str) -> None:
    """Remove the id where figures need the field, and all other fields whole."""
    visitor_id = row.visitor_id

    def erase(value: Any) -> Any:
        if isinstance(value, str):
            return erase_text(value, visitor_id, replacement)
        return [erase(item) for item in value] if isinstance(value, list) else value

    data = row.decode_data()
    data = {name: value if name in _KEPT else erase(value) for name, value in data.items()}
    row.data = msgspec.json.encode(data).decode()
    if row.type == "registration" and is_without_id(row.subject):
        row.subject = subject_without_id(replacement, str(data.get("form_id", "")))
    elif row.type not in _OF_REGISTRATIONS and row.subject != data.get("share_code"):
        row.subject = erase_text(row.subject, visitor_id, replacement)[:_SUBJECT_LIMIT]
    row.visitor_id, row.session_id, row.properties = replacement, "", "{}"


def _save(rows: Sequence[EventRow]) -> None:
    events = [
        Event(
            id=row.key, visitor_id=row.visitor_id, session_id=row.session_id, subject=row.subject,
            data=row.decode_data(), properties=msgspec.json.decode(row.properties),
        )
        for row in rows
    ]  # fmt: skip
    Event.objects.bulk_update(
        events, ["visitor_id", "session_id", "subject", "data", "properties"], batch_size=_EVENTS_AT_ONCE
    )
    request_rewrite()
