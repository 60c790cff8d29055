"""Import events from files, with the same validation, store and reactions as for clients' events."""

import codecs
import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import msgspec
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError
from tqdm import tqdm

from analytics.events.clock import now_ms
from analytics.events.rows import EventRow
from analytics.events.validation import BatchError, Client, EventError, make_row, parse_event, read_json
from analytics.reactions.pipeline import store_and_react
from analytics.store import RowsRefusedError, StoreUnavailableError

MAX_LINE_BYTES = 512 * 1024  # of one event
_LINES_AT_ONCE = 5_000
_BYTES_AT_ONCE = 4 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


# What the standard library raises for a gzip file that is cut off or damaged.
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


# A store or Redis is away; nothing is wrong with the lines.
_AWAY = (StoreUnavailableError, DatabaseError, InterfaceError, RedisError)


class ImportStoppedError(Exception):
    """The import ended early. `report` says what was imported until then.

    Start it again with the whole file: an event that is stored already is a duplicate.
    """

    def __init__(self, message: str, report: "ImportReport") -> None:
        super().__init__(message)
        self.report = report


@dataclass
class ImportReport:
    """How many lines were read, and what became of them; blank lines count in `lines` only."""

    lines: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    errors_path: str | None = None


class _ErrorFile:
    """JSON lines `{"line", "code", "field", "message"}`; the first error creates the file."""

    def __init__(self, path: str | None, stack: ExitStack) -> None:
        self.path = path
        self._stack = stack
        self._file: IO[str] | None = None

    def write(self, line: int, *, code: str, message: str, field: str | None = None) -> None:
        if self._file is None:
            self._file = (
                sys.stderr
                if self.path is None
                else self._stack.enter_context(open(self.path, "w", encoding="utf-8"))  # noqa: SIM115
            )
        entry = {"line": line, "code": code, "field": field, "message": message}
        self._file.write(msgspec.json.encode(entry).decode() + "\n")


def import_file(path: str, *, errors_path: str | None = None, progress: bool = True) -> ImportReport:
    """Import a file of JSON lines, each one event as in the batches of clients. `-` is standard input.

    Events may be of any age. A line without `event_id` gets one made of its number and content, so the same
    file can be imported again; one without `visitor_id` counts as a visitor of its own.
    Raises OSError for a file that cannot be read, and ImportStoppedError for one that is cut off or damaged,
    or when a database or Redis is away.
    """
    with ExitStack() as stack:
        if path == "-":
            raw: BinaryIO = sys.stdin.buffer
            size = None
        else:
            raw = stack.enter_context(open(path, "rb"))
            size = os.fstat(raw.fileno()).st_size
            errors_path = errors_path or f"{path}.errors.jsonl"
        errors = _ErrorFile(errors_path, stack)
        bar = stack.enter_context(
            tqdm(total=size, unit="B", unit_scale=True, disable=not progress, desc="import", file=sys.stderr)
        )
        report = ImportReport(errors_path=errors_path)
        try:
            for lines in _chunks(_Counted(raw, bar)):
                _store(_read_lines(lines, report, errors), report, errors)
        except _DAMAGED as error:
            message = f"the file is damaged after line {report.lines}: {error}"
            raise ImportStoppedError(message, report) from error
    return report


def _read_lines(
    lines: list[tuple[int, bytes]], report: ImportReport, errors: _ErrorFile
) -> list[tuple[int, EventRow]]:
    """The rows of the good lines, with the lines' numbers; the bad ones are reported."""
    rows = []
    for number, line in lines:
        report.lines = number
        try:
            row = _read_line(number, line)
        except (EventError, BatchError) as error:
            errors.write(number, code=error.code, message=str(error), field=getattr(error, "field", None))
            report.rejected += 1
        else:
            if row is not None:
                rows.append((number, row))
    return rows


def _read_line(number: int, line: bytes) -> EventRow | None:
    """The line's event; None for a blank line. Raises EventError or BatchError."""
    content = line.removeprefix(codecs.BOM_UTF8).strip()  # an editor adds one, and the line is the same
    if not content:
        return None
    if len(line.rstrip(b"\r\n")) > MAX_LINE_BYTES:
        raise BatchError("too_large", f"The line has more than {MAX_LINE_BYTES} bytes.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BatchError("invalid_encoding", "The file is UTF-16; save it as UTF-8.")
    event = parse_event(read_json(content))
    if event.event_id is None:
        digest = hashlib.blake2b(b"%d:%s" % (number, content), digest_size=16).hexdigest()
        event.event_id = f"import-{digest}"
    client = Client(now_ms(), is_bot=False, visitor_id=lambda conference_id: "", is_server=True)
    return make_row(event, client)


def _store(rows: list[tuple[int, EventRow]], report: ImportReport, errors: _ErrorFile) -> None:
    """Store rows at once; where the store refuses, halve until the refused ones stand alone."""
    parts = [rows] if rows else []
    while parts:
        part = parts.pop()
        try:
            result = store_and_react([row for _, row in part])
        except RowsRefusedError as error:
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                errors.write(part[0][0], code="refused_by_store", message=str(error))
                report.rejected += 1
        except _AWAY as error:
            message = f"stopped at line {part[0][0]}: {error}; start the import again"
            raise ImportStoppedError(message, report) from error
        else:
            report.stored += result.stored
            report.duplicate += result.duplicate


class _Counted(io.RawIOBase):
    """A file that moves the progress bar by the bytes read from it, before they are unpacked."""

    def __init__(self, file: BinaryIO, bar: "tqdm[Any]") -> None:
        self._file = file
        self._bar = bar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._bar.update(len(data))
        return len(data)


def _chunks(file: io.RawIOBase) -> Iterator[list[tuple[int, bytes]]]:
    """The lines with their numbers, as many at a time as are stored at once.

    A damaged file raises one of _DAMAGED after the lines before the damage.
    """
    chunk: list[tuple[int, bytes]] = []
    size = 0
    try:
        for numbered in enumerate(_lines(file), start=1):
            chunk.append(numbered)
            size += len(numbered[1])
            if len(chunk) >= _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
                yield chunk
                chunk, size = [], 0
    except _DAMAGED:
        yield chunk
        raise
    yield chunk


def _lines(file: io.RawIOBase) -> Iterator[bytes]:
    """The lines of a plain or gzip file. One that is longer than the limit comes cut just above it."""
    buffered = io.BufferedReader(file, buffer_size=1 << 18)
    stream: io.BufferedIOBase = buffered
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        stream = io.BufferedReader(gzip.GzipFile(fileobj=buffered), buffer_size=1 << 18)
    while line := stream.readline(MAX_LINE_BYTES + 2):
        if not line.endswith(b"\n"):
            while (rest := stream.readline(1 << 16)) and not rest.endswith(b"\n"):
                pass
        yield line
