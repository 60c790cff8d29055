"""Erasing a visitor from events: from those that are stored, and from those that arrive afterwards.

Whoever erases notes it first (conferences/services/erasing.py) and then calls `erase_events`; whoever stores
events calls `erase_late` afterwards. So of two that do it at once, one at least finds what the other did.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from django.db.models import Q

from analytics.dirty import mark_days_dirty
from analytics.fact_figures import is_fact
from analytics.models import Event
from analytics.rows import EventRow, to_row
from conferences.selectors.erased import find_replacement, load_replacements
from conferences.services.erasing import erase_in_registrations

_EVENTS_AT_ONCE = 500
# Whose subject is the id of a registration, or, where it is not told, the event's.
_OF_REGISTRATIONS = frozenset({"registration", "checkin"})
_SUBJECT_LIMIT = 64
# Of the places where a visitor's id may end in a registration's, how many are tried for each beginning. An id
# of 64 marks, which somebody may send in bulk, costs milliseconds.
_ENDS = 12
_TEXT_LIMITS = (512, 2048)  # of Text and LongText (analytics/event_types)
# What the tree is made of. A code that is equal to its sharer's id stays: it stands on posters.
_CODES = frozenset({"share_code", "parent_share_code", "attribution_chain"})


def erase_events(conference_id: str, visitor_id: str) -> int:
    """Erase a visitor, who is noted as erased, from the stored events. Returns how many there were.

    May be repeated. The visitor's own events, and those of registrations whose ids are made of the visitor's,
    whoever reported them: both must name the registration alike ever after.
    """
    found = Event.objects.filter(
        Q(visitor_id=visitor_id) | Q(contains_id("subject", visitor_id), type__in=_OF_REGISTRATIONS),
        conference_id=conference_id,
    )
    ids, days = [], set()
    for event_id, visitor, subject, date in found.values_list(
        "event_id", "visitor_id", "subject", "local_date"
    ):
        if visitor != visitor_id and not _pattern(visitor_id).search(subject):
            continue
        ids.append(event_id)
        if date is not None:
            days.add((conference_id, date))
    try:
        for start in range(0, len(ids), _EVENTS_AT_ONCE):
            part = Event.objects.filter(event_id__in=ids[start : start + _EVENTS_AT_ONCE])
            erase_late([to_row(event) for event in part])
    finally:  # whoever counted meanwhile has counted one person as two
        mark_days_dirty(days)
    return len(ids)


def erase_late(rows: Sequence[EventRow]) -> None:
    """Erase from `rows`, which are stored by now, and from the store those who are noted as erased.

    Until there is nothing to do: who erased another visitor from the same events meanwhile may have saved
    them before us, and had noted that before.
    """
    while changed := erase_rows(rows):
        # A registration that came after its visitor was erased has brought the id along into its row. Before
        # the events: once they are saved, nobody who comes after a crash sees that there was something to do.
        for conference_id, visitor_id, replacement in {
            (row.conference_id, visitor_id, row.visitor_id)
            for row, visitor_id in changed
            if is_fact(row.event_id) and row.visitor_id != visitor_id
        }:
            erase_in_registrations(conference_id, visitor_id, replacement)
        _save([row for row, _ in changed])


def erase_rows(rows: Sequence[EventRow]) -> list[tuple[EventRow, str]]:
    """Erase from `rows` those who are noted as erased. Returns the rows that changed, with the visitors' ids
    as they were.

    One query, and no more, where nobody was erased in the conferences of `rows`.
    """
    erased = load_replacements({row.conference_id for row in rows})
    if not erased:
        return []
    finders = {key: lru_cache(maxsize=None)(_finder(key, known)) for key, known in erased.items()}
    changed = []
    for row in rows:
        find = finders.get(row.conference_id)
        if find is None:
            continue
        visitor_id, subject = row.visitor_id, row.subject
        if row.type in _OF_REGISTRATIONS:
            _erase_registration_id(row, find)
        replacement = find(visitor_id) if visitor_id else None
        if replacement is not None:
            _erase(row, replacement)
        if replacement is not None or row.subject != subject:
            changed.append((row, visitor_id))
    return changed


def contains_id(field: str, visitor_id: str) -> Q:
    """Rows in whose `field` the id stands, as it is or percent-encoded, and some more."""
    return Q((f"{field}__contains", visitor_id)) | Q((f"{field}__contains", quote(visitor_id, safe="")))


def erase_registration_ids(conference_id: str, ids: Sequence[str]) -> dict[str, str]:
    """What the ids of registrations are without those who are noted as erased; of those that change."""
    find = _finder(conference_id, load_replacements([conference_id]).get(conference_id, {}))
    erased = {id: _without_erased(id, find) for id in ids}
    return {id: other for id, other in erased.items() if other != id}


def erase_text(text: str, visitor_id: str, replacement: str) -> str:
    """The text without the id, as it is or percent-encoded, where it is not part of a longer word.

    Cut at the length that a text of its kind may have: a short id, many times in it, would make it outgrow
    its column.
    """
    limit = next((limit for limit in _TEXT_LIMITS if len(text) <= limit), len(text))
    return _pattern(visitor_id).sub(replacement, text)[:limit]


@lru_cache(maxsize=128)
def _pattern(visitor_id: str) -> re.Pattern[str]:
    forms = {re.escape(visitor_id), re.escape(quote(visitor_id, safe=""))}
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(forms))})(?![\w-])")


_START = re.compile(r"(?<![\w-])(?=.)", re.DOTALL)
_END = re.compile(r"(?<=.)(?![\w-])", re.DOTALL)
_REPLACED = re.compile(r"erased:[0-9a-f]{24}")

_Find = Callable[[str], str | None]


def _finder(conference_id: str, known: dict[str, str]) -> _Find:
    """What stands in the place of a visitor of a conference. known: who was erased there."""
    return lambda visitor_id: find_replacement(known, conference_id, visitor_id)


def _without_erased(registration_id: str, find: _Find) -> str:
    """A registration's id without those of erased visitors, where they are not part of a longer word.

    It depends on the id alone and not on who reports it: else one registration would become two. Of erased
    visitors only digests are known, so whatever may be an id is looked up, the longest first.
    """
    ends = [found.start() for found in _END.finditer(registration_id)]
    result, at = "", 0
    for start in [found.start() for found in _START.finditer(registration_id)]:
        if start < at:
            continue
        if found := _REPLACED.match(registration_id, start):  # what stands there already is nobody's id
            result, at = result + registration_id[at : found.end()], found.end()
            continue
        behind = [end for end in ends if end > start]
        for end in reversed([*behind[:_ENDS], *behind[_ENDS:][-1:]]):
            replacement = find(_decoded(registration_id[start:end]))
            if replacement is not None:
                result, at = result + registration_id[at:start] + replacement, end
                break
    result += registration_id[at:]
    if len(result) <= _SUBJECT_LIMIT:
        return result
    # What is cut off may be all that tells it from another.
    digest = hashlib.blake2b(result.encode(), digest_size=8).hexdigest()
    return result[: _SUBJECT_LIMIT - len(digest)] + digest


def _decoded(text: str) -> str:
    """The id that the text is the percent-encoded form of, or else the text."""
    if "%" not in text:
        return text
    decoded = unquote(text)
    return decoded if quote(decoded, safe="") == text else text


def _erase_registration_id(row: EventRow, find: _Find) -> None:
    former, row.subject = row.subject, _without_erased(row.subject, find)
    if row.subject == former:
        return
    data = row.decode_data()
    if data.get("registration_id") == former:
        data["registration_id"] = row.subject
        row.data = msgspec.json.encode(data).decode()


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
    if row.type not in _OF_REGISTRATIONS and row.subject != data.get("share_code"):
        row.subject = erase_text(row.subject, visitor_id, replacement)[:_SUBJECT_LIMIT]
    row.visitor_id, row.session_id, row.properties = replacement, "", "{}"


def _save(rows: Sequence[EventRow]) -> None:
    events = [
        Event(
            event_id=row.event_id, visitor_id=row.visitor_id, session_id=row.session_id, subject=row.subject,
            data=row.decode_data(), properties=msgspec.json.decode(row.properties),
        )
        for row in rows
    ]  # fmt: skip
    Event.objects.bulk_update(
        events, ["visitor_id", "session_id", "subject", "data", "properties"], batch_size=_EVENTS_AT_ONCE
    )
