"""The file of a segment: columns of fixed width one after the other, a part of each to be read alone.

8 bytes   length of the header, little-endian
header    MessagePack, see Header
columns   and texts, each at its offset
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from analytics.ranges.columns import DamagedError

Array = npt.NDArray[Any]
Text = str | tuple[str, ...]

_LENGTH_BYTES = 8
# Visitors are in the order of their ids, which are evenly spread. Where each of these parts begins is noted.
FENCES = 256

_decode_texts = msgspec.msgpack.Decoder(list[Text]).decode


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a column or a list of texts is. kind: NumPy's name of the type of a value; "" for texts."""

    kind: str
    offset: int
    size: int


class Header(msgspec.Struct, frozen=True, array_like=True):
    """midnight_ms: when the day begins, UTC. first_ms: from which `ts` counts. rows: how many events.

    fences: the number of visitors before each of FENCES parts, and of all. row_fences: of their rows.
    """

    midnight_ms: int
    first_ms: int
    rows: int
    fences: list[int]
    row_fences: list[int]
    columns: dict[str, Place]
    texts: dict[str, Place]


def write_file(
    path: Path,
    columns: Mapping[str, Array],
    texts: Mapping[str, list[Any]],
    *,
    midnight_ms: int,
    first_ms: int,
    rows: int,
    fences: list[int],
    row_fences: list[int],
) -> None:
    """Write a segment. texts: by column of numbers, what they stand for."""
    with path.open("wb") as file:
        offset = 0
        places: dict[str, Place] = {}
        for name, values in columns.items():
            places[name] = Place(values.dtype.str, offset, values.nbytes)
            offset += values.nbytes
        lists = {name: msgspec.msgpack.encode(values) for name, values in texts.items()}
        text_places: dict[str, Place] = {}
        for name, content in lists.items():
            text_places[name] = Place("", offset, len(content))
            offset += len(content)
        header = msgspec.msgpack.encode(
            Header(midnight_ms, first_ms, rows, fences, row_fences, places, text_places)
        )
        file.write(len(header).to_bytes(_LENGTH_BYTES, "little"))
        file.write(header)
        for values in columns.values():
            file.write(values.tobytes())
        for content in lists.values():
            file.write(content)


class SegmentFile:
    """A segment's file, open for reading. Raises DamagedError for what cannot be read."""

    def __init__(self, path: str) -> None:
        self._start, self.header = _read_header(path)
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise DamagedError(f"{path}: {error}") from error

    def __enter__(self) -> "SegmentFile":
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)

    def read(self, name: str, first: int, last: int) -> Array:
        """The values of a column from number `first` to before `last`."""
        place = self.header.columns[name]
        kind = np.dtype(place.kind)
        offset = place.offset + first * kind.itemsize
        return np.frombuffer(self._read(offset, (last - first) * kind.itemsize), dtype=kind)

    def read_texts(self, name: str) -> list[Text]:
        """What the numbers of a column stand for."""
        place = self.header.texts[name]
        return _decode_texts(self._read(place.offset, place.size))

    def _read(self, offset: int, size: int) -> bytes:
        try:
            content = os.pread(self._file, size, self._start + offset)
        except OSError as error:
            raise DamagedError(str(error)) from error
        if len(content) != size:
            raise DamagedError("the file was cut")
        return content


def read_header(path: str) -> Header:
    """The header alone, which is remembered. Raises DamagedError."""
    return _read_header(path)[1]


@lru_cache(maxsize=2_048)
def _read_header(path: str) -> tuple[int, Header]:
    """Where the header ends, and the header. Names of files are never used twice, so it stays right."""
    try:
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            return _LENGTH_BYTES + size, msgspec.msgpack.decode(file.read(size), type=Header)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{path}: {error}") from error


def forget_headers() -> None:
    """Read them again: a file turned out to be damaged."""
    _read_header.cache_clear()
