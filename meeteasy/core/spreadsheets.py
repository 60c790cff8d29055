"""Tables as files for spreadsheets: CSV, guarded against formulas, and XLSX, in which texts are texts."""

import csv
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

# Full-width ones are included, because spreadsheets in Chinese and Japanese read them the same way.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# UTF-8 files begin with it, for Excel.
BOM = "\ufeff"
# What ids and share codes are made of: no formula, so a leading `-` does no harm.
_CODE = re.compile(r"[A-Za-z0-9_.-]+\Z")
# Excel's limit for a cell.
_MOST_CHARACTERS = 32_767


class _Line:
    """A file for csv.writer that returns each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def neutralise_formula(value: Any) -> Any:
    """Add a leading apostrophe to text that a spreadsheet would run as a formula.

    A formula that already begins with apostrophes gets one more, because an import removes one.
    See OWASP, "CSV Injection". Numbers stay numbers.
    """
    if isinstance(value, str) and value.lstrip("'").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_lines(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    codes: Collection[str] = (),
    heading: bool = True,
) -> Iterator[str]:
    """Yield the lines of a CSV file.

    codes: columns of ids and share codes. They stay as they are, because a code may begin with `-` and people
        search for it. Text columns are guarded against formulas.
    heading: whether it begins with a BOM and the names of the columns.
    """
    writer = csv.DictWriter(_Line(), columns, extrasaction="ignore")

    def guard(name: str, value: Any) -> Any:
        is_code = name in codes and isinstance(value, str) and _CODE.match(value)
        return value if is_code else neutralise_formula(value)

    if heading:
        yield BOM
        yield writer.writeheader()
    for row in rows:
        yield writer.writerow({name: guard(name, row.get(name)) for name in columns})


def make_xlsx(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> IO[bytes]:
    """Write a workbook with one sheet in constant memory, and return it as an open temporary file.

    Texts stay texts, whatever they look like: phone numbers, codes, formulas, addresses. Numbers are numbers.
    """
    import xlsxwriter  # here, since few processes write workbooks and all would load it

    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, bold)
        for number, row in enumerate(rows, start=1):
            for place, name in enumerate(columns):
                value = row.get(name)
                if value is None or value == "":
                    continue
                if isinstance(value, bool):
                    sheet.write_boolean(number, place, value)
                elif isinstance(value, int | float):
                    sheet.write_number(number, place, value)
                else:
                    sheet.write_string(number, place, str(value)[:_MOST_CHARACTERS])
    file.seek(0)
    return file
