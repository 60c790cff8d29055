"""Reading CSV files of registrations from all kinds of spreadsheet programs."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meeteasy.core.names import strip_invisible
from meeteasy.core.spreadsheets import FORMULA_STARTS

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 20_000
MAX_COLUMNS = 200  # twice the answers that a registration may have
# The columns that any file can have, in any case. Every other column is an answer under its heading.
FIELDS = ("name", "email", "phone", "language", "form_id", "visitor_id", "share_code", "answers")
# The other columns of an export. A file is an export only if it has all of _MARKS, spelled exactly like this:
# in any other file, "State" is a question that the organizer asked.
EXPORTED = ("id", "state", "source", "registered_at", "decided_at", "checked_in_at", "gate")
_MARKS = frozenset({"id", "state", "source", "registered_at"})
_SYNONYMS = {
    "姓名": "name",
    "full name": "name",
    "e-mail": "email",
    "email address": "email",
    "e-mail address": "email",
    "邮箱": "email",
    "电子邮箱": "email",
    "电子邮件": "email",
    "邮箱地址": "email",
    "phone number": "phone",
    "手机": "phone",
    "手机号": "phone",
    "手机号码": "phone",
    "电话": "phone",
}
_DELIMITERS = ",;\t"
# A record of its own behind the last line, unless a quotation mark is still open there.
_END = "\0end"
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?[ \t]*(?:\r?\n|\r)', re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """A record of the file.

    number: its first line, as an editor counts lines. surplus: whether it has more values than columns.
    """

    number: int
    values: dict[str, str]
    surplus: bool


@dataclass(frozen=True)
class CSVFile:
    """A parsed file.

    columns: the headings, each once. is_export: whether it is one of our exports, with EXPORTED columns.
    """

    columns: list[str]
    is_export: bool
    lines: list[Line]


def read_csv(content: bytes) -> CSVFile:
    """Read a file. Raises ValidationError (`file`) if it is not readable as a whole."""
    text = _decode(content)
    declared = _declared_delimiter(text)
    records = _read_records(text, declared or _guess_delimiter(text))
    if declared:
        next(records)  # the line that names it
    first = next(records, None)
    if first is None:
        raise ValidationError({"file": _("The file is empty.")})
    headings = _read_headings(first[1])
    is_export = frozenset(headings) >= _MARKS
    columns = _name_columns(headings)
    lines: list[Line] = []
    for number, cells in records:
        if len(lines) == MAX_LINES:
            raise ValidationError({"file": _("More than %(most)s lines.") % {"most": MAX_LINES}})
        values = dict(zip(columns, map(_plain, cells), strict=False))
        lines.append(Line(number, values, surplus=any(cells[len(columns) :])))
    return CSVFile(columns, is_export, lines)


def _decode(content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 as Excel's “Unicode text”. Raises ValidationError."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = _("Line %(line)s is not UTF-8; save the file as “CSV UTF-8”.") % {"line": line}
        raise ValidationError({"file": message}) from None


def _declared_delimiter(text: str) -> str:
    """The delimiter that a first line `sep=;` names to Excel; "" without such a line."""
    found = _SEPARATOR_LINE.match(text)
    return found[1] if found else ""


def _read_records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not empty, each with its first line's number. Raises ValidationError."""
    ending = "" if text.endswith(("\n", "\r")) else "\r\n"
    reader = csv.reader(io.StringIO(text + ending + _END, newline=""), delimiter=delimiter)
    number = 1
    try:
        for cells in reader:
            if cells == [_END]:
                return
            if cells and cells[-1].endswith(_END):
                message = _("Line %(line)s: a quotation mark is not closed.") % {"line": number}
                raise ValidationError({"file": message})
            if any(cell.strip() for cell in cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        message = _("Line %(line)s: %(error)s") % {"line": number, "error": error}
        raise ValidationError({"file": message}) from None


def _guess_delimiter(text: str) -> str:
    """Return the delimiter with which the heading contains the fields, or else the one with most columns.

    Counting alone fails if a quoted heading contains many delimiters of another kind.
    """

    def rate(delimiter: str) -> tuple[int, int]:
        try:
            _number, cells = next(_read_records(text, delimiter), (1, []))
        except ValidationError:
            return 0, 0
        return sum(_field_name(_clean_heading(cell)) in FIELDS for cell in cells), len(cells)

    return max(_DELIMITERS, key=rate)  # the first one on a tie


def _read_headings(cells: list[str]) -> list[str]:
    """The headings, without the empty ones at the end that some programs write. Raises ValidationError."""
    used = max((number for number, cell in enumerate(cells, 1) if cell.strip()), default=0)
    cells = cells[:used]
    if len(cells) > MAX_COLUMNS:
        raise ValidationError({"file": _("More than %(most)s columns.") % {"most": MAX_COLUMNS}})
    return [_clean_heading(cell) for cell in cells]


def _clean_heading(cell: str) -> str:
    return unicodedata.normalize("NFC", strip_invisible(cell))


def _field_name(heading: str, exact: Collection[str] = ()) -> str:
    """The field that a heading names, else the heading. exact: fields whose own names are headings, too: a
    synonym of one is a question of the organizer's."""
    lowered = heading.lower()
    if lowered in FIELDS:
        return lowered
    synonym = _SYNONYMS.get(lowered.replace("_", " "), heading)
    return heading if synonym in exact else synonym


def _name_columns(headings: list[str]) -> list[str]:
    """Return the name of each column: a field, or its heading. Repeated headings are numbered.

    Raises ValidationError for missing and repeated fields.
    """
    columns: list[str] = []
    exact = {heading.lower() for heading in headings} & set(FIELDS)
    for heading in headings:
        name = _field_name(heading, exact)
        if name in FIELDS and name in columns:
            raise ValidationError({"file": _("The heading has %(column)s twice.") % {"column": name}})
        number, numbered = 2, name
        while numbered in columns:
            numbered = f"{name} ({number})"
            number += 1
        columns.append(numbered)
    missing = [name for name in ("name", "email") if name not in columns]
    if missing:
        raise ValidationError({"file": _("The heading lacks %(columns)s.") % {"columns": ", ".join(missing)}})
    return columns


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that keeps spreadsheets from running it as a formula."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA_STARTS) else cell
