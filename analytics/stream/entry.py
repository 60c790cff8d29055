"""The format of a stream entry: what the web processes write and the workers read.

Fields: `v`, the version, and `e`, MessagePack. Version 2 is an array of batches, as the door took them;
version 1 is an array of rows, used for own events and for a dead letter of one row. An event of an unknown
type, or an entry of an unknown version, is left to a newer worker and becomes a dead letter after a few
deliveries.
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from analytics.event_types import EventType
from analytics.events.batch import Batch, carried_types, to_rows
from analytics.events.rows import EventRow

ROWS = b"1"
BATCHES = b"2"
# An entry is the unit of redelivery: small enough to be tried alone, large enough to cost little each.
MAX_EVENTS = 500

Fields = dict[bytes, bytes]

_encoder = msgspec.msgpack.Encoder()
_rows_decoder = msgspec.msgpack.Decoder(list[EventRow])
_parts_decoder = msgspec.msgpack.Decoder(list[Batch[msgspec.Raw]])


class UnreadableEntryError(Exception):
    """The entry has an unknown version, or something in it cannot be turned into a row."""


class Unread(NamedTuple):
    """The events of an entry that cannot be turned into rows, as an entry, and the error of the last."""

    fields: Fields
    error: Exception


def encode_batch(batch: Batch[Any]) -> bytes:
    """Encode one batch, for `encode_batches`."""
    return _encoder.encode(batch)


def encode_batches(encoded: Iterable[bytes]) -> Fields:
    return {b"v": BATCHES, b"e": _encoder.encode([msgspec.Raw(batch) for batch in encoded])}


def encode_rows(rows: list[EventRow]) -> Fields:
    return {b"v": ROWS, b"e": _encoder.encode(rows)}


def decode_entry(fields: Mapping[bytes, bytes], *, latest_ms: float = math.inf) -> list[EventRow]:
    """The rows of an entry. Raises UnreadableEntryError if any part of it cannot be read.

    latest_ms: rows of a later time get this one: the clock of who appended them was fast.
    """
    version = fields.get(b"v")
    try:
        if version == BATCHES:
            batches = _batches_decoder().decode(fields[b"e"])
            rows = [row for batch in batches for row in to_rows(batch)]
            is_late = any(batch.received_ms > latest_ms for batch in batches)
        elif version == ROWS:
            rows = _rows_decoder.decode(fields[b"e"])
            is_late = any(row.received_ms > latest_ms for row in rows)
        else:
            rows, is_late = None, False
    except Exception as error:  # of any kind: rows are made by the types' own code, too
        raise UnreadableEntryError(f"damaged entry: {error!r}") from error
    if rows is None:
        raise UnreadableEntryError(f"unknown entry version {version!r}; this worker reads 1 and 2")
    return _date_back(rows, latest_ms) if is_late else rows


def _date_back(rows: list[EventRow], latest_ms: float) -> list[EventRow]:
    for row in rows:
        row.received_ms = min(row.received_ms, int(latest_ms))
        row.ts_ms = min(row.ts_ms, row.received_ms)
    return rows


def decode_readable(
    fields: Mapping[bytes, bytes], *, latest_ms: float = math.inf
) -> tuple[list[EventRow], Unread | None]:
    """The rows of the events that can be read, and the rest: an entry has the events of many clients.

    Raises UnreadableEntryError for an entry that cannot even be taken apart.
    """
    try:
        return decode_entry(fields, latest_ms=latest_ms), None
    except UnreadableEntryError:
        if fields.get(b"v") != BATCHES:
            raise
    try:
        batches = _parts_decoder.decode(fields.get(b"e", b""))
    except msgspec.MsgspecError as error:
        raise UnreadableEntryError(f"damaged entry: {error!r}") from error
    rows: list[EventRow] = []
    unread: list[bytes] = []
    last_error: Exception | None = None
    for batch in batches:
        left = []
        for event in batch.events:
            try:
                event_alone = _event_decoder().decode(event)
                rows += to_rows(_with_events(batch, [event_alone]))
            except Exception as error:
                left.append(event)
                last_error = error
        if left:
            unread.append(encode_batch(_with_events(batch, left)))
    rows = _date_back(rows, latest_ms) if latest_ms < math.inf else rows
    return rows, None if last_error is None else Unread(encode_batches(unread), last_error)


def _with_events(batch: Batch[Any], events: list[Any]) -> Batch[Any]:
    """The batch with some of its events in place of all."""
    return msgspec.structs.replace(batch, events=events)


def count_events(fields: Mapping[bytes, bytes]) -> int | None:
    """How many events an entry has; None if it cannot be read. Makes no rows: that may be what failed."""
    try:
        if fields.get(b"v") == BATCHES:
            return sum(len(batch.events) for batch in _parts_decoder.decode(fields[b"e"]))
        if fields.get(b"v") == ROWS:
            return len(_rows_decoder.decode(fields[b"e"]))
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError):
        pass
    return None


@lru_cache(maxsize=1)
def _batches_decoder() -> msgspec.msgpack.Decoder[list[Batch[EventType]]]:
    return msgspec.msgpack.Decoder(list[Batch[carried_types()]])  # type: ignore[misc]


@lru_cache(maxsize=1)
def _event_decoder() -> msgspec.msgpack.Decoder[EventType]:
    return msgspec.msgpack.Decoder(carried_types())
