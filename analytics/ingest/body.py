"""Read a request body without ever holding more than the limit."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from analytics.ingest.requests import RefusedError, Request
from meeteasy.core.asgi import ByteBudget, NoRoomError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_MAX_MEMBERS = 100
# What bodies that come in pieces hold together, in this process. Usual batches come in one piece.
_pieces = ByteBudget(64 * 1024 * 1024)


class BodyTooLargeError(Exception):
    """More bytes than the limit, as sent or unpacked."""


class BadEncodingError(Exception):
    """The body is not in the encoding that its header names."""


class ClientGoneError(Exception):
    """The client hung up before the body was complete."""


async def read_request_body(
    receive: Receive, request: Request, *, media_types: frozenset[bytes], limit: int
) -> bytes:
    """The unpacked body, of one of the media types; none: of any. Raises RefusedError or ClientGoneError."""
    content_type = request.content_type
    if media_types and content_type not in media_types and _media_type(content_type) not in media_types:
        raise RefusedError(415, "unsupported_media_type", "Send application/json or text/plain.")
    try:
        body = await read_body(receive, declared_length=request.length or None, limit=limit)
        if request.encoding:
            body = _decode(body, request.encoding.strip().lower(), limit=limit)
    except BodyTooLargeError:
        message = f"A batch may have at most {limit} bytes, unpacked."
        raise RefusedError(413, "too_large", message) from None
    except NoRoomError:
        message = "Too much is sent at once; nothing was taken."
        raise RefusedError(503, "busy", message, retry_after=1) from None
    except BadEncodingError as error:
        message = f"The body is not gzip as its header says: {error}."
        raise RefusedError(400, "invalid_gzip", message) from None
    return body


def _media_type(content_type: bytes) -> bytes:
    return content_type.split(b";", 1)[0].strip().lower()


def _decode(body: bytes, encoding: bytes, *, limit: int) -> bytes:
    if encoding in (b"gzip", b"x-gzip"):
        return unpack_gzip(body, limit=limit)
    if encoding not in (b"", b"identity"):
        raise RefusedError(415, "unsupported_encoding", "Content-Encoding may be gzip.")
    return body


async def read_body(receive: Receive, *, declared_length: bytes | None, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises BodyTooLargeError (before reading a declared excess),
    ClientGoneError or NoRoomError."""
    if declared_length is not None and _is_more(declared_length, limit):
        raise BodyTooLargeError
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise BodyTooLargeError
        return body
    return await _read_pieces(receive, body, limit=limit)


async def _read_pieces(receive: Receive, first: bytes, *, limit: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    part, share = first, _pieces.share()
    try:
        async with share.arriving():
            while True:
                size += len(part)
                if size > limit:
                    raise BodyTooLargeError
                share.take(len(part))
                parts.append(part)
                if not more:
                    return b"".join(parts)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                part, more = message.get("body", b""), message.get("more_body", False)
    finally:
        share.close()


def _is_more(length: bytes, limit: int) -> bool:
    """Whether a Content-Length is above `limit`; it may have any number of digits, which int() refuses."""
    return length.isdigit() and (len(length) > 18 or int(length) > limit)


def unpack_gzip(body: bytes, *, limit: int) -> bytes:
    """The unpacked body, of one gzip member or several. Raises BodyTooLargeError or BadEncodingError.

    Stops at `limit` bytes, so a gzip bomb costs no more than a full batch, and at _MAX_MEMBERS, since each
    member copies what follows it.
    """
    parts: list[bytes] = []
    size = 0
    while body or not parts:
        if len(parts) >= _MAX_MEMBERS:
            raise BadEncodingError(f"more than {_MAX_MEMBERS} gzip members")
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(body, limit + 1 - size)
        except zlib.error as error:
            raise BadEncodingError(str(error)) from error
        parts.append(part)
        size += len(part)
        if size > limit:
            raise BodyTooLargeError
        if not unpacker.eof:
            raise BadEncodingError("the gzip stream ends early")
        body = unpacker.unused_data.lstrip(b"\0")  # padding, as Python's and GNU's gzip take it
    return b"".join(parts)
