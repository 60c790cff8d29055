"""The ASGI application behind `POST /api/analytics/events`.

It answers this one path in front of Django, because a Django view costs several times what the work itself
does (docs/adr/0001 has the figures). This path needs neither sessions nor middleware.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from itertools import count
from typing import Any

import msgspec
from django.conf import settings

from analytics.days.redating import UNCLAIMED_DAYS
from analytics.event_types import EventType
from analytics.events.clock import now_ms
from analytics.events.validation import BatchError, Client, Notice, Rejection, read_batch
from analytics.ingest.body import (
    BadEncodingError,
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    read_body,
    unpack_gzip,
)
from analytics.ingest.bots import is_bot
from analytics.ingest.conferences import Directory
from analytics.ingest.publisher import NotTakenError, StreamPublisher
from analytics.ingest.rate import RateLimiter
from analytics.stream.queue import wake_worker
from meeteasy.core.http import error_body
from meeteasy.core.redis import connect_async

PATH = "/api/analytics/events"
PATHS = frozenset((PATH, f"{PATH}/"))  # some clients add a slash, and a redirect would lose the body

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_MEDIA_TYPES = {b"application/json", b"text/plain", b""}
_CORS: _Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),  # otherwise scripts of other origins cannot read it
]
_PREFLIGHT: _Headers = [
    *_CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-encoding, content-type"),
    (b"access-control-max-age", b"86400"),
]
_STATUS_OF_BATCH_ERROR = {"too_many_events": 413}
_MAX_UNKNOWN_NAMED = 20

_encode = msgspec.json.Encoder().encode


class Ingest:
    """Takes batches of events and answers 202 once Redis has them.

    The server's lifespan calls `start` and `stop`; without a lifespan the first request starts it.
    """

    def __init__(self) -> None:
        self._publisher: StreamPublisher | None = None
        self._starting: asyncio.Lock | None = None
        self._limiter = RateLimiter(settings.INGEST_RATE_PER_SECOND)
        self._directory = Directory()
        # Read once: each access to Django's settings costs half a microsecond.
        self._max_body_bytes: int = settings.INGEST_MAX_BODY_BYTES
        self._max_events: int = settings.INGEST_MAX_EVENTS
        self._acceptance_days: int = settings.INGEST_ACCEPTANCE_DAYS

    async def start(self) -> StreamPublisher:
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._publisher is None:
                publisher = StreamPublisher(
                    connect_async(), ring=wake_worker, max_bytes=settings.INGEST_QUEUE_MAX_BYTES
                )
                await publisher.start()
                self._publisher = publisher
            return self._publisher

    async def stop(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.stop()
        self._directory.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "POST":
            try:
                status, headers, body = await self._take(scope, receive)
            except ClientGoneError:
                return
        elif method == "OPTIONS":
            status, headers, body = 204, _PREFLIGHT, b""
        else:
            status, headers, body = _error(405, "method_not_allowed", "Events are sent with POST.")
            headers = [*headers, (b"allow", b"POST, OPTIONS")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _take(self, scope: Scope, receive: Receive) -> tuple[int, _Headers, bytes]:
        publisher = self._publisher or await self.start()
        content_type = encoding = length = b""
        user_agent = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"content-length":
                length = value
            elif name == b"user-agent":
                user_agent = value
            elif name == b"content-encoding":
                encoding = value
        address = scope["client"][0] if scope.get("client") else ""
        if not self._limiter.allow(address):
            return _error(429, "rate_limited", "Too many requests from this address.", retry_after=1)
        refusal = publisher.refusal()  # before any work for a batch that cannot be taken
        if refusal is not None:
            return _not_taken(refusal)
        if content_type.split(b";", 1)[0].strip().lower() not in _MEDIA_TYPES:
            return _error(415, "unsupported_media_type", "Send application/json or text/plain.")

        limit = self._max_body_bytes
        try:
            body = await read_body(receive, declared_length=length or None, limit=limit)
            encoding = encoding.strip().lower()
            if encoding in (b"gzip", b"x-gzip"):
                body = unpack_gzip(body, limit=limit)
            elif encoding not in (b"", b"identity"):
                return _error(415, "unsupported_encoding", "Content-Encoding may be gzip.")
        except BodyTooLargeError:
            return _error(413, "too_large", f"A batch may have at most {limit} bytes, unpacked.")
        except BadEncodingError as error:
            return _error(400, "invalid_gzip", f"The body is not gzip as its header says: {error}.")

        received_ms = now_ms()
        agent = user_agent.decode("latin-1")
        try:
            batch, rejected, notices = read_batch(
                body,
                Client(received_ms, is_bot(agent), self._visitor_ids(publisher, received_ms, address, agent)),
                max_events=self._max_events,
                acceptance_days=self._acceptance_days,
            )
            conference_ids = {event.conference_id for event in batch.events}
            self._directory.forget_stale()
            if not conference_ids <= self._directory.existing:
                missing = await self._directory.find_missing(conference_ids)
                notices += _name_unknown(missing, batch.events, rejected)
            if not batch.events:
                publisher.taken.add(batches=1, accepted=0, rejected=len(rejected))
                return _error(400, "no_valid_event", "No event of the batch is valid.", details=rejected)
            await publisher.publish(batch)
        except BatchError as error:
            return _error(_STATUS_OF_BATCH_ERROR.get(error.code, 400), error.code, str(error))
        except NotTakenError as error:
            return _not_taken(error)
        publisher.taken.add(batches=1, accepted=len(batch.events), rejected=len(rejected))
        return _accepted(len(batch.events), rejected, notices)

    @staticmethod
    def _visitor_ids(
        publisher: StreamPublisher, received_ms: int, address: str, agent: str
    ) -> Callable[[str], str]:
        """Makes ids for visitors without one: one per conference and request, computed when needed."""
        known: dict[str, str] = {}

        def visitor_id(conference_id: str) -> str:
            found = known.get(conference_id)
            if found is None:
                today = dt.datetime.fromtimestamp(received_ms / 1000, dt.UTC).date()
                found = publisher.salts.visitor_id(today, conference_id, address, agent)
                if found is None:
                    raise NotTakenError(
                        "broker_unavailable", "The day's salt is not loaded yet.", retry_after_seconds=1
                    )
                known[conference_id] = found
            return found

        return visitor_id


def _name_unknown(
    conference_ids: Collection[str], events: Iterable[EventType], rejected: Iterable[Rejection]
) -> list[Notice]:
    """A notice for each conference that does not exist, at its first event in the batch.

    events: those that were taken; rejected: the others, so that places can be told.
    """
    if not conference_ids:
        return []
    not_taken = {rejection.index for rejection in rejected}
    places = (index for index in count() if index not in not_taken)
    first: dict[str, int] = {}
    for index, event in zip(places, events, strict=False):
        first.setdefault(event.conference_id, index)
    return [
        Notice(
            first[conference_id],
            "unknown_conference",
            f"No conference has the id `{conference_id}`. Its events wait {UNCLAIMED_DAYS} days for one.",
            "conference_id",
        )
        for conference_id in sorted(conference_ids)[:_MAX_UNKNOWN_NAMED]
    ]


def _accepted(events: int, rejected: list[Rejection], notices: list[Notice]) -> tuple[int, _Headers, bytes]:
    if rejected or notices:
        answer: dict[str, Any] = {"accepted": events, "rejected": rejected}
        if notices:
            answer["warnings"] = notices
        body = _encode(answer)
    else:
        body = b'{"accepted":%d,"rejected":[]}' % events
    return 202, _headers(body), body


def _not_taken(error: NotTakenError) -> tuple[int, _Headers, bytes]:
    return _error(503, error.code, str(error), retry_after=error.retry_after_seconds)


def _error(
    status: int,
    code: str,
    message: str,
    *,
    details: Iterable[Rejection] | None = None,
    retry_after: int | None = None,
) -> tuple[int, _Headers, bytes]:
    body = _encode(error_body(code, message, {"rejected": details} if details else None))
    headers = _headers(body)
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    return status, headers, body


def _headers(body: bytes) -> _Headers:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *_CORS,
    ]


ingest = Ingest()
