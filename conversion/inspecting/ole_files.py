"""Looks into OLE containers: Word, Excel and PowerPoint before 2007, and anything encrypted by Office."""

from typing import BinaryIO

import msoffcrypto
import olefile

from conversion.problems import ConversionError, Problem

# Names of streams that only these formats have. Kingsoft's wps, et and dps files have them, too.
_STREAMS = {"WordDocument": "doc", "Workbook": "xls", "Book": "xls", "PowerPoint Document": "ppt"}
MAGIC: bytes = olefile.MAGIC


def inspect_ole(file: BinaryIO) -> str:
    """Return the kind of an Office file in an OLE container. Raises ConversionError."""
    file.seek(0)
    try:
        container = olefile.OleFileIO(file)
        names = {name for name in _STREAMS if container.exists(name)}
        is_encrypted_package = container.exists("EncryptedPackage") or container.exists("EncryptionInfo")
    except Exception as error:  # it parses bytes of strangers, and fails in many ways
        raise ConversionError(Problem.CORRUPT, reason=f"{type(error).__name__}: {error}"[:200]) from error
    if is_encrypted_package:
        raise ConversionError(Problem.PASSWORD_PROTECTED)
    if not names:
        raise ConversionError(Problem.UNSUPPORTED_TYPE, found="an OLE container")
    if _is_encrypted(file):
        raise ConversionError(Problem.PASSWORD_PROTECTED)
    return _STREAMS[sorted(names)[0]]


def _is_encrypted(file: BinaryIO) -> bool:
    try:
        return bool(msoffcrypto.OfficeFile(file).is_encrypted())
    except Exception:  # a format that it does not know, or damage that LibreOffice may get over
        return False
