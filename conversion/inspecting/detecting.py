"""Says what a file is by its content, before anything is started for it."""

from dataclasses import dataclass, field
from typing import Any, BinaryIO

import puremagic

from conversion.inspecting import kinds
from conversion.inspecting.ole_files import MAGIC as OLE_MAGIC
from conversion.inspecting.ole_files import inspect_ole
from conversion.inspecting.texts import inspect_text
from conversion.inspecting.zip_files import inspect_zip
from conversion.problems import ConversionError, Problem

_HEAD = 4096
# Where a PDF may begin (ISO 32000-1, appendix H.3.4.1, note 13).
_PDF_WITHIN = 1024
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = [
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
]
# After "BM" come 12 bytes, then the size of the header that follows; text may begin with "BM", too.
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
# Brands of ISO base media files (ISO/IEC 23008-12 and the AVIF specification).
_BRANDS = {
    b"heic": "heic", b"heix": "heic", b"heim": "heic", b"heis": "heic", b"mif1": "heic", b"msf1": "heic",
    b"hevc": "heic", b"hevx": "heic", b"avif": "avif", b"avis": "avif",
}  # fmt: skip


@dataclass(frozen=True)
class Inspection:
    """kind: a name of inspecting/kinds.py. facts: what converters must know besides, e.g. the encoding."""

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)


def inspect(file: BinaryIO, name: str) -> Inspection:
    """Return what the file is. Raises ConversionError if it cannot be converted, whatever into.

    name: the file's name. It decides only between kinds that look alike.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(_ZIP_MAGIC):
        return Inspection(inspect_zip(file))
    if head.startswith(OLE_MAGIC):
        return Inspection(inspect_ole(file))
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Inspection(kinds.PDF)
    if picture := _find_picture(head):
        return Inspection(picture)
    if head.startswith(b"{\\rtf"):  # before its encoding is looked at: it may have bytes of several
        return Inspection("rtf")
    text = inspect_text(file, name)
    if text is not None:
        return Inspection(text.kind, {"encoding": text.encoding, "separator": text.separator})
    if kinds.read_extension(name) in kinds.ALL:
        # It claims to be something that it is not: damaged, or random bytes under a familiar name.
        raise ConversionError(Problem.CORRUPT, reason="the content is not what the name says")
    raise ConversionError(Problem.UNSUPPORTED_TYPE, found=_name_type(head, name))


def _find_picture(head: bytes) -> str | None:
    for magic, kind in _PICTURES:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return None


def _name_type(head: bytes, name: str) -> str:
    """Return the best name for a type that we do not convert, for the error's details."""
    try:
        return str(puremagic.magic_string(head)[0].name)[:100]
    except (puremagic.PureError, ValueError, IndexError):
        return kinds.read_extension(name)[:20] or "unknown"
