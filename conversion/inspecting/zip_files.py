"""Looks into ZIP files: which Office format, encrypted or not, and how much it would unpack to.

Everything is bounded before it is done: the number of entries, and the bytes that are unpacked to check them.
"""

import re
import zipfile
import zlib
from typing import BinaryIO

from conversion.problems import ConversionError, Problem

_MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
# Deflate reaches 1,032 at most; sheets with many equal rows stay below 100.
_MAX_RATIO = 200
_RATIO_COUNTS_FROM = 16 * 1024 * 1024
_MAX_INDEX_BYTES = 4 * 1024 * 1024
_PIECE = 1024 * 1024
_CENTRAL_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# The content type of the main part, in [Content_Types].xml; macro-enabled files, templates and shows, too.
_OOXML = {
    "docx": re.compile(rb"(wordprocessingml\.(document|template)|ms-word\.(document|template)\.macroEnabled)"
                       rb"(Template)?\.main\+xml"),
    "xlsx": re.compile(rb"(spreadsheetml\.(sheet|template)"
                       rb"|ms-excel\.(sheet|template)\.macroEnabled)\.main\+xml"),
    "pptx": re.compile(rb"(presentationml\.(presentation|slideshow|template)"
                       rb"|ms-powerpoint\.(presentation|slideshow|template)\.macroEnabled)\.main\+xml"),
}  # fmt: skip
_ODF_PREFIX = "application/vnd.oasis.opendocument."
_ODF = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg"}


def inspect_zip(file: BinaryIO) -> str:
    """Return the kind of an Office file in a ZIP; other ZIP files are unsupported. Raises ConversionError."""
    _check_number_of_entries(file)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_sizes(archive)
            kind = _find_kind(archive)
            _read_all(archive)
            return kind
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ConversionError(Problem.CORRUPT, reason=_describe(error)) from error
    except RuntimeError as error:  # zipfile's "password required"
        raise ConversionError(Problem.PASSWORD_PROTECTED) from error


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _check_number_of_entries(file: BinaryIO) -> None:
    """Count entries before zipfile makes an object of each. Their number in the file's end may be a lie."""
    file.seek(0)
    found, rest = 0, b""
    while piece := file.read(_PIECE):
        found += (rest + piece).count(_CENTRAL_ENTRY)
        rest = piece[-3:]
        if found > _MAX_ENTRIES:
            raise ConversionError(Problem.ZIP_BOMB, entries=found)
    file.seek(0)


def _check_sizes(archive: zipfile.ZipFile) -> None:
    total = 0
    for entry in archive.infolist():
        if entry.flag_bits & _ENCRYPTED:
            raise ConversionError(Problem.PASSWORD_PROTECTED)
        if entry.compress_type not in _METHODS:
            raise ConversionError(Problem.CORRUPT, reason=f"compression method {entry.compress_type}")
        total += entry.file_size
        is_dense = entry.file_size > _MAX_RATIO * max(entry.compress_size, 1)
        if total > MAX_UNPACKED_BYTES or (is_dense and entry.file_size > _RATIO_COUNTS_FROM):
            raise ConversionError(Problem.ZIP_BOMB, unpacked_bytes=total)


def _find_kind(archive: zipfile.ZipFile) -> str:
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        types = _read_index(archive, "[Content_Types].xml")
        for kind, pattern in _OOXML.items():
            if pattern.search(types):
                return kind
        raise ConversionError(Problem.UNSUPPORTED_TYPE, found="a package of Office Open XML")
    if "mimetype" in names:
        media_type = _read_index(archive, "mimetype").decode("ascii", "replace").strip()
        family = media_type.removeprefix(_ODF_PREFIX).removesuffix("-template")
        if media_type.startswith(_ODF_PREFIX) and family in _ODF:
            if "META-INF/manifest.xml" in names and b"encryption-data" in _read_index(
                archive, "META-INF/manifest.xml"
            ):
                raise ConversionError(Problem.PASSWORD_PROTECTED)
            return _ODF[family]
        raise ConversionError(Problem.UNSUPPORTED_TYPE, found=media_type[:100])
    raise ConversionError(Problem.UNSUPPORTED_TYPE, found="zip")


def _read_index(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        content = file.read(_MAX_INDEX_BYTES + 1)
    if len(content) > _MAX_INDEX_BYTES:
        raise ConversionError(Problem.ZIP_BOMB, entry=name)
    return content


def _read_all(archive: zipfile.ZipFile) -> None:
    """Unpack every entry and compare its checksum. Raises what zipfile raises for a damaged one."""
    for entry in archive.infolist():
        with archive.open(entry) as file:
            while file.read(_PIECE):
                pass
