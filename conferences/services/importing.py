"""Importing registrations from CSV files, a chunk of lines at a time."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences import signals
from conferences.contact import clean_email
from conferences.models import Conference, Registration
from conferences.services.announce import after_commit
from conferences.services.csv_files import EXPORTED, FIELDS, CSVFile, Line, read_csv
from conferences.services.registrations import build_registration
from conferences.states import State
from meeteasy.core.json_input import TOO_DEEP

LINES_AT_ONCE = 200


@dataclass
class LineProblem:
    """A problem with a line.

    line: the record's first line, as an editor counts from 1. field: None for the whole line.
    """

    line: int
    field: str | None
    message: str


@dataclass
class ImportReport:
    """The outcome of an import.

    lines: the number of lines with content, without the heading. created: new registrations, or in a dry run
    those that would be new. existing: registrations that already existed.
    """

    dry_run: bool
    lines: int = 0
    created: int = 0
    existing: int = 0
    errors: list[LineProblem] = field(default_factory=list)
    warnings: list[LineProblem] = field(default_factory=list)


@dataclass(frozen=True)
class LinePreview:
    """What an import would do with a line: register a `new` person, leave an `existing` one, or report it.

    outcome: "new", "existing" or "failed". problems: of a line that fails. notes: what would be left out.
    """

    number: int
    name: str
    email: str
    outcome: str
    problems: list[LineProblem]
    notes: list[LineProblem]


def import_registrations(
    *, conference: Conference, content: bytes, dry_run: bool, now: dt.datetime | None = None
) -> ImportReport:
    """Register everybody in a CSV file. Invalid lines are reported, and the others are imported.

    content: UTF-8, or UTF-16 with a byte order mark, separated by commas, semicolons or tabs, with a heading
    that names at least `name` and `email`. `answers` is JSON. Any column that is not a field is an answer
    under its heading. The import keeps the states in an export and ignores the other columns that only
    exports have.
    dry_run: only report; store nothing.

    The import does not change people who are already registered, in any state, so the same file can be
    imported again. Raises ValidationError (`file`) for a file that is not readable as a whole.
    """
    work = Import(conference, read_csv(content), dry_run=dry_run)
    report = ImportReport(dry_run=dry_run, lines=len(work.file.lines))
    for start in range(0, report.lines, LINES_AT_ONCE):
        with transaction.atomic():
            work.do_piece(start, report, now=now or timezone.now())
    return report


class Import:
    """The import of one file into a conference."""

    def __init__(self, conference: Conference, file: CSVFile, *, dry_run: bool, start: int = 0) -> None:
        """Prepare an import. start: the index in `file.lines` of the first line to do."""
        self.file = file
        self._conference = conference
        self._dry_run = dry_run
        self._start = start
        # In a dry run the database does not contain the people in earlier lines.
        self._seen = (
            {email for line in file.lines[:start] if (email := _email_of(line))} if dry_run else set()
        )

    def do_piece(self, start: int, report: ImportReport, *, now: dt.datetime) -> int:
        """Import LINES_AT_ONCE lines from `start` in the caller's transaction. Returns the next start."""
        end = start + LINES_AT_ONCE
        made = self._build(self.file.lines[start:end], report, now=now)
        new, existing = self._find_new(made)
        if not self._dry_run:
            stored = _store(new)
            existing += len(new) - len(stored)
            new = stored
        report.created += len(new)
        report.existing += existing
        return end

    def preview(self, count: int, *, now: dt.datetime) -> list[LinePreview]:
        """Judge the next `count` lines, from the first line to do. Only for a dry run."""
        judged: list[tuple[Line, list[tuple[str, Registration]], ImportReport]] = []
        for line in self.file.lines[self._start : self._start + count]:
            report = ImportReport(dry_run=True)
            judged.append((line, self._build([line], report, now=now), report))
        new, _existing = self._find_new([pair for _line, made, _report in judged for pair in made])
        new_ids = {registration.id for registration in new}
        return [
            LinePreview(
                line.number, line.values.get("name", ""), line.values.get("email", ""),
                _outcome(made, new_ids), report.errors, report.warnings,
            )
            for line, made, report in judged
        ]  # fmt: skip

    def _build(
        self, lines: Sequence[Line], report: ImportReport, *, now: dt.datetime
    ) -> list[tuple[str, Registration]]:
        """Return, for each valid line, the id in an export or "", and the registration."""
        made = []
        for line in lines:
            try:
                registration, warnings = build_registration(
                    conference=self._conference, source=Registration.Source.IMPORT, now=now,
                    state=self._state(line), **_fields(line, self.file),
                )  # fmt: skip
            except ValidationError as error:
                for name, messages in error.message_dict.items():
                    where = None if name == NON_FIELD_ERRORS else name
                    report.errors += [LineProblem(line.number, where, message) for message in messages]
            else:
                known_id = line.values.get("id", "") if self.file.is_export else ""
                made.append((known_id[:32].replace("\0", ""), registration))
                report.warnings += [
                    LineProblem(line.number, warning.field, warning.message) for warning in warnings
                ]
        return made

    def _state(self, line: Line) -> State | None:
        """Return the state in an export. Raises ValidationError for an unknown state."""
        if not self.file.is_export or not line.values.get("state"):
            return None
        try:
            return State(line.values["state"])
        except ValueError:
            raise ValidationError({"state": _("There is no such state.")}) from None

    def _find_new(self, made: list[tuple[str, Registration]]) -> tuple[list[Registration], int]:
        """Return the people who are not registered yet, each once, and the number of the others."""
        emails = [registration.email for _known_id, registration in made]
        ids = [known_id for known_id, _registration in made if known_id]
        known = Registration.objects.filter(Q(email__in=emails) | Q(id__in=ids), conference=self._conference)
        seen = self._seen | {value for pair in known.values_list("id", "email") for value in pair}
        new = []
        for known_id, registration in made:
            if registration.email not in seen and (not known_id or known_id not in seen):
                new.append(registration)
            seen.add(registration.email)
            if self._dry_run:
                self._seen.add(registration.email)
        return new, len(made) - len(new)


def _outcome(made: list[tuple[str, Registration]], new_ids: set[str]) -> str:
    if not made:
        return "failed"
    return "new" if made[0][1].id in new_ids else "existing"


def _store(registrations: list[Registration]) -> list[Registration]:
    """Store registrations and return them, without those that a concurrent request stored first."""
    Registration.objects.bulk_create(registrations, ignore_conflicts=True)
    ids = Registration.objects.filter(id__in=[registration.id for registration in registrations])
    stored_ids = set(ids.values_list("id", flat=True))
    stored = [registration for registration in registrations if registration.id in stored_ids]
    if stored:
        after_commit(signals.registrations_imported, Registration, registrations=stored)
    for registration in stored:
        if not registration.stands:
            after_commit(signals.standing_changed, Registration, registration=registration)
    return stored


def _fields(line: Line, file: CSVFile) -> dict[str, Any]:
    """Return the arguments of `build_registration`. Raises ValidationError."""
    if line.surplus:
        raise ValidationError({NON_FIELD_ERRORS: _("There are more values than columns.")})
    fields: dict[str, Any] = {name: line.values.get(name, "") for name in FIELDS}
    fields["answers"] = _answers(line, file)
    return fields


def _answers(line: Line, file: CSVFile) -> dict[str, Any]:
    """Return the answers: column `answers` and every column that is not a field. Raises ValidationError."""
    answers: Any = {}
    if line.values.get("answers"):
        try:
            answers = msgspec.json.decode(line.values["answers"])
        except RecursionError:
            raise ValidationError({"answers": _(TOO_DEEP)}) from None
        except msgspec.MsgspecError:
            raise ValidationError({"answers": _("This is not JSON.")}) from None
        if not isinstance(answers, dict):
            raise ValidationError({"answers": _("This must be a JSON object.")})
    known = {*FIELDS, *(EXPORTED if file.is_export else ())}
    return {**answers, **{name: value for name, value in line.values.items() if name not in known and value}}


def _email_of(line: Line) -> str:
    try:
        return clean_email(line.values.get("email", ""))
    except ValidationError:
        return ""


def problems_as_json(problems: Sequence[LineProblem]) -> list[dict[str, Any]]:
    return [asdict(problem) for problem in problems]
