"""Reading a request body without ever holding more than the limit."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyTooLargeError(Exception):
    """More bytes than the limit, as sent or unpacked."""


class BadEncodingError(Exception):
    """The body is not in the encoding that its header names."""


class ClientGoneError(Exception):
    """The client hung up before the body was complete."""


async def read_body(receive: Receive, *, declared_length: bytes | None, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises BodyTooLargeError before reading a declared excess."""
    if declared_length is not None and declared_length.isdigit() and int(declared_length) > limit:
        raise BodyTooLargeError
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise BodyTooLargeError
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        if size > limit:
            raise BodyTooLargeError
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
    if size > limit:
        raise BodyTooLargeError
    return b"".join(parts)


def unpack_gzip(body: bytes, *, limit: int) -> bytes:
    """The unpacked body. Stops at `limit` bytes, so a gzip bomb costs no more than a full batch."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadEncodingError(str(error)) from error
    if len(unpacked) > limit:
        raise BodyTooLargeError
    if not unpacker.eof:
        raise BadEncodingError("the gzip stream ends early")
    return unpacked
