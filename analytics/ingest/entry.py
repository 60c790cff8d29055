"""The format of a stream entry: what the web processes write and the workers read.

Fields: `v`, the version, and `e`, MessagePack: in version 2 an array of batches, as the door took them; in
version 1 an array of rows, which is how the server sends its own facts and how a dead letter keeps one row.
A worker that meets a version it does not know leaves the entry to a newer one and, after a few deliveries,
puts it with the dead letters.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from analytics.batch import Batch, batches_decoder, to_rows
from analytics.rows import EventRow

ROWS = b"1"
BATCHES = b"2"
# An entry is the unit of redelivery: small enough to be tried alone, large enough to cost little each.
MAX_EVENTS = 500

_encoder = msgspec.msgpack.Encoder()
_rows_decoder = msgspec.msgpack.Decoder(list[EventRow])


class UnreadableEntryError(Exception):
    """The entry has a version that this code does not know, or is damaged."""


def encode_batches(batches: list[Batch[Any]]) -> dict[bytes, bytes]:
    return {b"v": BATCHES, b"e": _encoder.encode(batches)}


def encode_rows(rows: list[EventRow]) -> dict[bytes, bytes]:
    return {b"v": ROWS, b"e": _encoder.encode(rows)}


def decode_entry(fields: Mapping[bytes, bytes]) -> list[EventRow]:
    """The rows of an entry. Raises UnreadableEntryError."""
    version = fields.get(b"v")
    try:
        if version == BATCHES:
            batches = batches_decoder().decode(fields[b"e"])
            return [row for batch in batches for row in to_rows(batch)]
        if version == ROWS:
            return _rows_decoder.decode(fields[b"e"])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableEntryError(f"damaged entry: {error}") from error
    raise UnreadableEntryError(f"unknown entry version {version!r}; this worker reads 1 and 2")
