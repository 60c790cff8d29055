"""Import events from files, with the same validation, store and reactions as for clients' events."""

import codecs
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO

import msgspec
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError
from tqdm import tqdm

from analytics.events.lines import LineReader
from analytics.events.problems import BatchError, EventError
from analytics.events.rows import EventRow
from analytics.reactions.pipeline import store_and_react
from analytics.store import RowsRefusedError, StoreUnavailableError

MAX_LINE_BYTES = 512 * 1024  # of one event
_LINES_AT_ONCE = 5_000
_LINES_ALONE = 50  # so few are read one by one if one of them is bad
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
    expired: int = 0  # older than their conference keeps
    warnings: int = 0
    errors_path: str | None = None


class _ErrorFile:
    """JSON lines `{"line", "level", "code", "field", "message"}`; the first of them creates the file."""

    def __init__(self, path: str | None, stack: ExitStack) -> None:
        self.path = path
        self._stack = stack
        self._file: IO[str] | None = None

    def warn(self, report: "ImportReport", line: int, code: str, message: str, field: str | None) -> None:
        """Something is odd about a line that is imported."""
        report.warnings += 1
        self.write(line, code=code, message=message, field=field, level="warning")

    def write(
        self, line: int, *, code: str, message: str, field: str | None = None, level: str = "error"
    ) -> None:
        if self._file is None:
            self._file = (
                sys.stderr
                if self.path is None
                else self._stack.enter_context(open(self.path, "w", encoding="utf-8"))  # noqa: SIM115
            )
        entry = {"line": line, "level": level, "code": code, "field": field, "message": message}
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
        reader = LineReader()
        try:
            for lines in _chunks(_Counted(raw, bar)):
                _store(_read_lines(reader, lines, report, errors), report, errors)
        except _DAMAGED as error:
            message = f"the file is damaged after line {report.lines}: {error}"
            raise ImportStoppedError(message, report) from error
    return report


def _read_lines(
    reader: LineReader, lines: list[tuple[int, bytes]], report: ImportReport, errors: _ErrorFile
) -> list[tuple[int, EventRow]]:
    """The rows of the good lines, with the lines' numbers; the bad ones are reported."""
    rows: list[tuple[int, EventRow]] = []
    report.lines = lines[-1][0] if lines else report.lines
    parts = [[(number, content) for number, content in lines if content.strip()]]
    while parts:
        part = parts.pop()
        is_short = all(len(line) <= MAX_LINE_BYTES for _, line in part)
        together = reader.read_many(part) if is_short else None
        if together is not None:
            rows += together
        elif len(part) > _LINES_ALONE:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
        else:
            rows += _read_alone(reader, part, report, errors)
    return rows


def _read_alone(
    reader: LineReader, lines: list[tuple[int, bytes]], report: ImportReport, errors: _ErrorFile
) -> Iterator[tuple[int, EventRow]]:
    for number, line in lines:
        try:
            if len(line) > MAX_LINE_BYTES:
                raise BatchError("too_large", f"The line has more than {MAX_LINE_BYTES} bytes.")
            if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise BatchError("invalid_encoding", "The file is UTF-16; save it as UTF-8.")
            row = reader.read(number, line, partial(errors.warn, report, number))
        except (EventError, BatchError) as error:
            errors.write(number, code=error.code, message=str(error), field=getattr(error, "field", None))
            report.rejected += 1
        else:
            yield number, row


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
            report.expired += result.expired


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
        for number, line in enumerate(_lines(file), start=1):
            # An editor may have put a byte order mark in front: the line is the same.
            chunk.append((number, line.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8)))
            size += len(line)
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
