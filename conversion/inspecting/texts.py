"""Tells kinds of text apart, and their encodings."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from conversion.inspecting.kinds import read_extension
from conversion.problems import ConversionError, Problem

_PIECE = 1024 * 1024
_HEAD = 64 * 1024
_BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
# What spreadsheets and editors write in China, next to UTF-8.
_ENCODINGS = ("utf-8", "gb18030")
# Bytes that no text has: the C0 controls but for tab, line feed, form feed, carriage return and escape.
_BINARY = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype\s+svg|<svg)[\s>]", re.IGNORECASE | re.DOTALL
)
_FLAT = re.compile(
    r"<office:document\s[^>]*office:mimetype=[\"']application/vnd\.oasis\.opendocument\.(\w+)", re.DOTALL
)
_FLAT_KINDS = {"text": "fodt", "spreadsheet": "fods", "presentation": "fodp", "graphics": "fodg"}
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Text:
    """What a text is. encoding: as Python names it. separator: of a CSV file's columns."""

    kind: str
    encoding: str
    separator: str = ""


def inspect_text(file: BinaryIO, name: str) -> Text | None:
    """Return what kind of text the file has, or None if it is no text. Raises ConversionError.

    Plain text and CSV look alike, so the name decides between the two.
    """
    file.seek(0)
    start = file.read(_HEAD)
    encoding = _find_encoding(file, start)
    if encoding is None:
        return None
    head = start.decode(encoding, "ignore")
    if _SVG.match(head):
        raise ConversionError(Problem.UNSUPPORTED_TYPE, found="svg")
    if flat := _FLAT.search(head):
        if flat[1] not in _FLAT_KINDS:
            raise ConversionError(Problem.UNSUPPORTED_TYPE, found="a flat OpenDocument file")
        return Text(_FLAT_KINDS[flat[1]], encoding)
    claimed = read_extension(name)
    if _HTML.match(head) or claimed == "html":
        return Text("html", encoding)
    if claimed == "csv":
        return Text("csv", encoding, _find_separator(head))
    if claimed in ("txt", "md", "log", ""):
        return Text("txt", encoding)
    return None


def _find_encoding(file: BinaryIO, start: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding if _decodes(file, encoding) else None
    if start.translate(None, _BINARY) != start:
        return None
    return next((encoding for encoding in _ENCODINGS if _decodes(file, encoding)), None)


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    try:
        for _ in codecs.iterdecode(_pieces(file), encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _find_separator(head: str) -> str:
    """Return the separator that the first lines have most of, outside quotes."""
    outside = re.sub(r'"[^"]*"', "", "\n".join(head.splitlines()[:20]))
    return max(_SEPARATORS, key=outside.count)
