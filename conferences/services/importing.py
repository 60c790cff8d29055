"""Registrations from CSV files, line by line through the same function as from the public form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from conferences.models import Conference, Registration
from conferences.selectors.registrations import CSV_COLUMNS
from conferences.services.registrations import clean_fields, find_standing, register
from meeteasy.core.http import FORMULA_STARTS

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 5_000
_FIELDS = ("name", "email", "phone", "language", "form_id", "visitor_id", "share_code")
_LINES_AT_ONCE = 200


@dataclass
class LineError:
    """line: as an editor counts them, the heading being 1. field: None where it is the line as a whole."""

    line: int
    field: str | None
    message: str


@dataclass
class ImportReport:
    """lines: those with content, without the heading. created, existing: registrations that are new, or would
    be in a dry run, and that were there already."""

    dry_run: bool
    lines: int = 0
    created: int = 0
    existing: int = 0
    errors: list[LineError] = field(default_factory=list)


@dataclass(frozen=True)
class _Line:
    number: int
    values: dict[str, str]
    surplus: bool  # more values than the heading has columns


def import_registrations(*, conference: Conference, content: bytes, dry_run: bool) -> ImportReport:
    """Register everybody in a CSV file; lines that are not valid are reported, and the others done.

    content: UTF-8, comma or semicolon, with a heading that names at least `name` and `email`. What a CSV
    export has besides is left alone, `answers` is JSON, and any other column is an answer by its heading.
    dry_run: report only; nothing changes and nobody is told.

    Who is registered already stays as they are, so the same file may be imported again. Raises
    ValidationError for a file that cannot be read as a whole.
    """
    report = ImportReport(dry_run=dry_run)
    lines = list(_read(content))
    report.lines = len(lines)
    seen: set[str] = set()
    for start in range(0, len(lines), _LINES_AT_ONCE):
        # A transaction a piece: quick, and the database's one writer is free again in between.
        with transaction.atomic():
            for line in lines[start : start + _LINES_AT_ONCE]:
                try:
                    created = _import_line(conference, line, seen=seen, dry_run=dry_run)
                except ValidationError as error:
                    for name, messages in error.message_dict.items():
                        where = None if name == NON_FIELD_ERRORS else name
                        report.errors += [LineError(line.number, where, message) for message in messages]
                else:
                    report.created += created
                    report.existing += not created
    return report


def _import_line(conference: Conference, line: _Line, *, seen: set[str], dry_run: bool) -> bool:
    """Whether the person is, or in a dry run would be, newly registered. Raises ValidationError."""
    if line.surplus:
        raise ValidationError({NON_FIELD_ERRORS: _("There are more values than columns.")})
    fields: dict[str, Any] = {name: line.values.get(name, "") for name in _FIELDS}
    fields["answers"] = _answers(line.values)
    if not dry_run:
        return register(conference=conference, source=Registration.Source.IMPORT, **fields).created
    email = clean_fields(conference=conference, **fields)["email"]
    known = email in seen or find_standing(conference, email) is not None
    seen.add(email)
    return not known


def _answers(row: dict[str, str]) -> dict[str, Any]:
    """The column `answers`, and every column that is no field. Raises ValidationError."""
    answers: Any = {}
    if row.get("answers"):
        try:
            answers = msgspec.json.decode(row["answers"])
        except (msgspec.MsgspecError, RecursionError):
            raise ValidationError({"answers": _("This is not JSON.")}) from None
        if not isinstance(answers, dict):
            raise ValidationError({"answers": _("This must be a JSON object.")})
    known = {*_FIELDS, *CSV_COLUMNS}
    return {**answers, **{name: value for name, value in row.items() if name not in known and value}}


def _read(content: bytes) -> Iterator[_Line]:
    """The lines that are not empty. Raises ValidationError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            {"file": _("Line %(line)s is not UTF-8; save the file as “CSV UTF-8”.") % {"line": line}}
        ) from None
    heading, _newline, _rest = text.partition("\n")
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: list[str] = []
    found = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _check_heading(cells)
                continue
            found += 1
            if found > MAX_LINES:
                raise ValidationError({"file": _("More than %(most)s lines.") % {"most": MAX_LINES}})
            values = dict(zip(columns, map(_plain, cells), strict=False))
            yield _Line(reader.line_num, values, surplus=any(cells[len(columns) :]))
    except csv.Error as error:
        message = _("Line %(line)s: %(error)s") % {"line": reader.line_num, "error": error}
        raise ValidationError({"file": message}) from None
    if not columns:
        raise ValidationError({"file": _("The file is empty.")})


def _check_heading(cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    columns = [column.lower() if column.lower() in (*_FIELDS, *CSV_COLUMNS) else column for column in columns]
    missing = [name for name in ("name", "email") if name not in columns]
    if missing:
        raise ValidationError({"file": _("The heading lacks %(columns)s.") % {"columns": ", ".join(missing)}})
    return columns


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell
