"""Merge, store and find registrations as facts read from events."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from analytics.days.redating import mark_where_trust_changed
from conferences.models import Conference
from sharing.derivation import bulk
from sharing.models import RegistrationStanding, ShareRegistration
from sharing.rules.attribution import Registration
from sharing.rules.opens import Moment
from sharing.rules.reasons import Reason

DEFAULT_WINDOW_DAYS = 30
# The key is longer than any id from a client, so no such id can look like a report without an id.
_REPORT = "report:"
_DIGEST_BYTES = 29


class RegistrationRecord(msgspec.Struct, gc=False):
    """A registration as reported by one or more events. Mirrors the model ShareRegistration."""

    id: str
    moment: Moment
    visitor: str = ""
    visitor_moment: Moment | None = None
    code_key: str = ""
    code_moment: Moment | None = None
    form_digest: str = ""
    is_confirmed: bool = False
    is_held: bool = False
    is_trusted: bool = True
    window_days: int = DEFAULT_WINDOW_DAYS

    @property
    def conference_id(self) -> str:
        return self.id.partition("/")[0]

    @property
    def has_no_id(self) -> bool:
        return self.id.partition("/")[2].startswith(_REPORT)

    @property
    def whose(self) -> tuple[str, str]:
        """The conference and visitor, which a report without an id shares with its registration."""
        return (self.conference_id, self.visitor)

    def merge(self, other: "RegistrationRecord") -> None:
        """Merge `other` into this record; earlier values win. The call may be repeated.

        A report adds nothing to a confirmed registration and gives way to it. A held report adds nothing to
        one that is not held and gives way to it.
        """
        weight, others = (self.is_confirmed, not self.is_held), (other.is_confirmed, not other.is_held)
        if others < weight:
            return
        self.is_trusted = other.is_trusted
        if others > weight or other.moment < self.moment:
            self.moment, self.form_digest = other.moment, other.form_digest
        if others > weight:
            self.is_confirmed, self.is_held = other.is_confirmed, other.is_held
            self.visitor, self.visitor_moment = other.visitor, other.visitor_moment
            self.code_key, self.code_moment = other.code_key, other.code_moment
            return
        if other.visitor_moment and (
            self.visitor_moment is None or other.visitor_moment < self.visitor_moment
        ):
            self.visitor, self.visitor_moment = other.visitor, other.visitor_moment
        if other.code_moment and (self.code_moment is None or other.code_moment < self.code_moment):
            self.code_key, self.code_moment = other.code_key, other.code_moment


class Standing(msgspec.Struct, frozen=True, gc=False):
    """An event's statement on whether a registration stands. source: `state` or `void`."""

    key: str
    source: str
    version: int
    stands: bool


def digest_form(form_id: str) -> str:
    return hashlib.blake2b(form_id.encode(), digest_size=8).hexdigest()


def report_key(conference_id: str, form_digest: str, visitor: str) -> str:
    """The key of all reports without an id by one visitor on one form."""
    digest = hashlib.blake2b(f"{form_digest}\n{visitor}".encode(), digest_size=_DIGEST_BYTES)
    return f"{conference_id}/{_REPORT}{digest.hexdigest()}"


# --- Storing -----------------------------------------------------------------------------------------------

_COLUMNS = (
    "ms", "event_id", "visitor", "visitor_ms", "visitor_event_id", "code_key", "code_ms", "code_event_id",
    "form_digest", "is_confirmed", "is_held", "is_trusted", "window_days",
)  # fmt: skip
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM {{keys}} JOIN {ShareRegistration._meta.db_table} "  # noqa: S608


def load_registrations(ids: Iterable[str]) -> dict[str, RegistrationRecord]:
    rows = bulk.fetch(_SELECT + "ON id = keys.key", list(ids))
    return {row[0]: _record(row) for row in rows}


def find_registrations_by(visitors: Iterable[str]) -> list[RegistrationRecord]:
    """The registrations of these visitors, in all conferences."""
    return [_record(row) for row in bulk.fetch(_SELECT + "ON visitor = keys.key", list(visitors))]


def merge_registrations(
    reported: Sequence[RegistrationRecord], *, is_complete: bool = False
) -> tuple[dict[str, RegistrationRecord], dict[str, RegistrationRecord]]:
    """Store registrations. Returns the new and changed ones, and the former state of the changed ones.

    is_complete: `reported` replaces the stored values. The window never changes.
    """
    if not reported:
        return {}, {}
    conferences = Conference.objects.in_bulk({item.conference_id for item in reported})
    mark_where_trust_changed(conferences.values())
    known = load_registrations({item.id for item in reported})
    merged = {} if is_complete else {key: msgspec.structs.replace(item) for key, item in known.items()}
    for item in reported:
        conference = conferences.get(item.conference_id)
        if item.id in known:
            item.window_days = known[item.id].window_days
        elif conference is not None:
            item.window_days = conference.attribution_window_days
        item.is_trusted = item.is_confirmed or conference is None or conference.trust_client_registrations
        if item.id in merged:
            merged[item.id].merge(item)
        else:
            merged[item.id] = item
    inserted = {key: item for key, item in merged.items() if key not in known}
    updated = {key: item for key, item in merged.items() if key in known and item != known[key]}
    bulk.insert(
        ShareRegistration,
        ("id", "conference_id", *_COLUMNS),
        [(key, item.conference_id, *_values(item)) for key, item in inserted.items()],
    )
    bulk.update(ShareRegistration, _COLUMNS, [(*_values(item), key) for key, item in updated.items()])
    return inserted | updated, {key: known[key] for key in updated}


def _values(item: RegistrationRecord) -> tuple[object, ...]:
    return (
        *item.moment, item.visitor, *(item.visitor_moment or (None, "")), item.code_key,
        *(item.code_moment or (None, "")), item.form_digest, +item.is_confirmed, +item.is_held,
        +item.is_trusted, item.window_days,
    )  # fmt: skip


def _record(row: tuple[Any, ...]) -> RegistrationRecord:
    (
        key, ms, event_id, visitor, visitor_ms, visitor_id, code, code_ms, code_id, form_digest, is_confirmed,
        is_held, is_trusted, window_days,
    ) = row  # fmt: skip
    return RegistrationRecord(
        key, (ms, event_id), visitor, None if visitor_ms is None else (visitor_ms, visitor_id),
        code, None if code_ms is None else (code_ms, code_id), form_digest, bool(is_confirmed), bool(is_held),
        bool(is_trusted), window_days,
    )  # fmt: skip


# --- Standing ----------------------------------------------------------------------------------------------

_STANDING = ("state_version", "is_withdrawn", "void_version", "is_void")


def merge_standings(told: Sequence[Standing]) -> set[str]:
    """Store the standings that are newer than the stored ones. Returns the keys of their registrations."""
    if not told:
        return set()
    known = _load_standings({item.key for item in told})
    before = {key: list(row) for key, row in known.items()}
    for item in told:
        row = known.setdefault(item.key, [0, 0, 0, 0])
        at = 0 if item.source == "state" else 2
        if item.version > row[at]:
            row[at : at + 2] = [item.version, +(not item.stands)]
    changed = {key: row for key, row in known.items() if row != before.get(key)}
    bulk.insert(
        RegistrationStanding,
        ("id", *_STANDING),
        [(key, *row) for key, row in changed.items() if key not in before],
    )
    bulk.update(
        RegistrationStanding, _STANDING, [(*row, key) for key, row in changed.items() if key in before]
    )
    return changed.keys()  # type: ignore[return-value]


def _load_standings(keys: Iterable[str]) -> dict[str, list[int]]:
    rows = bulk.fetch(
        f"SELECT id, {', '.join(_STANDING)} FROM {{keys}} "  # noqa: S608
        f"JOIN {RegistrationStanding._meta.db_table} ON id = keys.key",
        list(keys),
    )
    return {key: [int(value) for value in values] for key, *values in rows}


# --- What counts -------------------------------------------------------------------------------------------


def find_repeating(
    changed: dict[str, RegistrationRecord], former: dict[str, RegistrationRecord]
) -> list[RegistrationRecord]:
    """The reports without an id that may repeat, or so far repeated, one of the `changed` registrations."""
    confirmed = {
        item.visitor
        for found in (changed, former)
        for item in found.values()
        if item.is_confirmed and item.visitor
    }
    return [item for item in find_registrations_by(confirmed) if item.has_no_id] if confirmed else []


def to_attribute(records: dict[str, RegistrationRecord]) -> dict[str, Registration]:
    """Convert the registrations for the rules, each with the reason why it does not count, if any."""
    standings = _load_standings(records)
    without_id = {item.visitor for item in records.values() if item.has_no_id}
    confirmed = {item.whose for item in find_registrations_by(without_id) if item.is_confirmed}
    return {
        key: Registration(
            item.moment, item.visitor, item.code_key, item.window_days,
            _find_refusal(item, standings.get(key), confirmed),
        )
        for key, item in records.items()
    }  # fmt: skip


def _find_refusal(
    item: RegistrationRecord, standing: list[int] | None, confirmed: set[tuple[str, str]]
) -> Reason | None:
    if standing is not None and (standing[1] or standing[3]):
        return Reason.WITHDRAWN
    if item.is_held:
        return Reason.HELD
    if not item.is_trusted:
        return Reason.NOT_TRUSTED
    if item.has_no_id and not item.is_confirmed and item.whose in confirmed:
        return Reason.REPORTED_AGAIN
    return None
