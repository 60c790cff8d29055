"""The format of a stream entry: what the web processes write and the workers read.

Fields: `v`, the version, and `e`, a MessagePack array of EventRow arrays. A worker that meets a version it
does not know leaves the entry to a newer one and, after a few deliveries, puts it with the dead letters.
"""

from collections.abc import Mapping

import msgspec

from analytics.rows import EventRow

VERSION = b"1"
# An entry is the unit of redelivery: small enough to be tried alone, large enough to cost little each.
MAX_EVENTS = 500

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[EventRow])


class UnreadableEntryError(Exception):
    """The entry has a version that this code does not know, or is damaged."""


def encode_entry(rows: list[EventRow]) -> dict[bytes, bytes]:
    return {b"v": VERSION, b"e": _encoder.encode(rows)}


def decode_entry(fields: Mapping[bytes, bytes]) -> list[EventRow]:
    """The rows of an entry. Raises UnreadableEntryError."""
    version = fields.get(b"v")
    if version != VERSION:
        raise UnreadableEntryError(f"unknown entry version {version!r}; this worker reads {VERSION!r}")
    try:
        return _decoder.decode(fields[b"e"])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableEntryError(f"damaged entry: {error}") from error
