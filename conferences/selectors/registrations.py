"""Queries for registrations and check-ins."""

import zoneinfo
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from conferences.models import CheckIn, Conference, Registration
from meeteasy.core.folding import fold, fold_digits
from meeteasy.core.rows import Rows

CSV_COLUMNS = [
    "id", "name", "email", "phone", "language", "state", "form_id", "answers", "source", "share_code",
    "visitor_id", "registered_at", "decided_at", "checked_in_at", "gate",
]  # fmt: skip
CSV_CODES = ("id", "share_code")

# How many rows are looked at for a name: the text of the search also holds addresses.
_ROWS_OF_NAMES = 1000
# Of a number that begins with 0: fewer might be from anywhere within one.
_FEWEST_DIGITS = 5
_check_ins = Rows(CheckIn, "check_in")
_active = CheckIn.objects.filter(undone_at=None)


def find_registrations(
    conference: Conference,
    *,
    state: str | None = None,
    checked_in: bool | None = None,
    form_id: str | None = None,
    text: str = "",
) -> QuerySet[Registration]:
    """Return the registrations of a conference, newest first, each with `active_check_ins`: none, or one.

    text: a part of the name, mail or phone, or the whole id. Case, accents and spaces between digits do not
    matter.
    """
    found = with_check_ins(Registration.objects.filter(conference=conference))
    if state:
        found = found.filter(state=state)
    if form_id:
        found = found.filter(form_id=form_id)
    if checked_in is not None:
        is_in = Exists(_active.filter(registration=OuterRef("pk")))
        found = found.filter(is_in if checked_in else ~is_in)
    return search(found, text)


def count_taken(conference_id: str) -> int:
    """Return how many places of a conference are taken, by pending and approved registrations."""
    return Registration.objects.filter(conference_id=conference_id, state__in=Registration.STANDING).count()


def search(registrations: QuerySet[Registration], text: str) -> QuerySet[Registration]:
    """Filter registrations by a search text. An empty text matches all of them."""
    if not text:
        return registrations
    matches = Q(id=text)
    if folded := fold(text).strip():
        matches |= Q(search_text__contains=folded)
    if digits := fold_digits(text):
        matches |= Q(phone__contains=digits)
        # Numbers are stored without `00` and the 0 that is dialled within a country.
        international = digits.lstrip("0")
        if international != digits and len(international) >= _FEWEST_DIGITS:
            matches |= Q(phone__contains=international)
    return registrations.filter(matches)


def find_by_name(conference: Conference, text: str, *, limit: int) -> list[Registration]:
    """Return registrations whose name holds the text, or whose whole id it is, with check-ins.

    For people who may not see addresses and numbers, and so must not find by them either.
    """
    wanted = fold(text).strip()
    found = with_check_ins(Registration.objects.filter(conference=conference)).order_by("name", "id")
    matches = found.filter(Q(id=text) | Q(search_text__contains=wanted))[:_ROWS_OF_NAMES]
    return [row for row in matches if row.id == text or (wanted and wanted in fold(row.name))][:limit]


def with_check_ins(registrations: QuerySet[Registration]) -> QuerySet[Registration]:
    """Prefetch `active_check_ins`, which `active_check_in` and `csv_rows` need."""
    return registrations.prefetch_related(Prefetch("check_ins", queryset=_active, to_attr="active_check_ins"))


def attach_check_ins(registrations: Collection[Registration]) -> None:
    """Read `active_check_ins` of a page, as a prefetch does."""
    by_id = {registration.pk: registration for registration in registrations}
    for registration in registrations:
        registration.active_check_ins = []  # type: ignore[attr-defined]
    if not by_id:
        return
    places = ", ".join(["%s"] * len(by_id))
    statement = (
        f"SELECT {_check_ins.columns} FROM conferences_checkin check_in "  # noqa: S608
        f"WHERE undone_at IS NULL AND registration_id IN ({places})"
    )
    for check_in in _check_ins.read(statement, list(by_id)):
        by_id[check_in.registration_id].active_check_ins.append(check_in)  # type: ignore[attr-defined]


def csv_rows(registrations: QuerySet[Registration]) -> Iterator[dict[str, Any]]:
    """Yield rows with the keys CSV_COLUMNS, reading the registrations in chunks."""
    return map(make_csv_row, registrations.select_related("conference").iterator(chunk_size=1000))


def make_csv_row(registration: Registration) -> dict[str, Any]:
    """A row with the keys CSV_COLUMNS of a registration from `find_registrations`, with its conference.

    Its times are in the conference's zone, with their offset.
    """
    check_in = active_check_in(registration)
    zone = zoneinfo.ZoneInfo(registration.conference.time_zone)
    row: dict[str, Any] = {column: getattr(registration, column, None) for column in CSV_COLUMNS}
    row["answers"] = msgspec.json.encode(registration.answers).decode() if registration.answers else ""
    row["checked_in_at"] = check_in and check_in.checked_in_at
    row["gate"] = check_in and check_in.gate
    for column in ("registered_at", "decided_at", "checked_in_at"):
        row[column] = row[column].astimezone(zone).isoformat() if row[column] else ""
    return row


def active_check_in(registration: Registration) -> CheckIn | None:
    """Return the active check-in of a registration from `find_registrations`."""
    found: list[CheckIn] = registration.active_check_ins  # type: ignore[attr-defined]
    return found[0] if found else None


def find_check_ins(conference: Conference, *, gate: str | None = None) -> QuerySet[CheckIn]:
    """Return the check-ins of a conference with their registrations, newest first, including undone ones."""
    found = CheckIn.objects.filter(registration__conference=conference).select_related(
        "registration", "checked_in_by", "undone_by"
    )
    return found.filter(gate=gate) if gate else found
