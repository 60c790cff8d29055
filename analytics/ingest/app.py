"""The ASGI application behind `POST /api/analytics/events`.

It answers this one path in front of Django, because a Django view costs several times what the work itself
does (docs/adr/0001 has the figures). This path needs neither sessions nor middleware.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from django.conf import settings

from analytics.days.zones import local_date
from analytics.event_types import EVENT_TYPES
from analytics.events.clock import now_ms
from analytics.events.validation import BatchError, Client, ReadBatch, Rejection, read_batch
from analytics.ingest import answers
from analytics.ingest.answers import Answer, refused
from analytics.ingest.body import (
    BadEncodingError,
    BodyTooLargeError,
    ClientGoneError,
    NoRoomError,
    Receive,
    read_body,
    unpack_gzip,
)
from analytics.ingest.conferences import Directory
from analytics.ingest.countries import Countries
from analytics.ingest.publisher import NotTakenError, StreamPublisher
from analytics.ingest.rate import RateLimiter
from analytics.ingest.reconciling import SharedUsage
from analytics.ingest.refusals import Refusals
from analytics.ingest.rules import MESSAGES
from analytics.stream.queue import wake_worker
from meeteasy.core.redis import connect_async
from meeteasy.core.salts import client_network, hash_address, make_visitor_id

PATH = "/api/analytics/events"
PATHS = frozenset((PATH, f"{PATH}/"))  # some clients add a slash, and a redirect would lose the body

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MEDIA_TYPES = {b"application/json", b"text/plain", b""}
_STATUS_OF_BATCH_ERROR = {"too_many_events": 413}
# Types of which the worker bounds how many a client may report (docs/definitions.md).
_REPORTS = frozenset(("registration", "checkin"))


class _Request(NamedTuple):
    """The headers that matter, as they were sent; b"" for each that is missing."""

    content_type: bytes
    length: bytes
    user_agent: bytes
    encoding: bytes
    origin: bytes
    address: str


class _ZoneNotKnownError(Exception):
    """A visitor's id needs the time zone of a conference that was not looked up yet."""


class Ingest:
    """Takes batches of events and answers 202 once Redis has them.

    The server's lifespan calls `start` and `stop`; without a lifespan the first request starts it.
    """

    def __init__(self) -> None:
        self._publisher: StreamPublisher | None = None
        self._starting: asyncio.Lock | None = None
        self._limiter = RateLimiter(settings.INGEST_RATE_PER_SECOND, settings.INGEST_EVENTS_PER_SECOND)
        self._directory = Directory()
        self._refusals = Refusals()
        self._countries = Countries(settings.COUNTRY_DATABASE)
        self._reports = {EVENT_TYPES[name] for name in _REPORTS}
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
                publisher.riders = [SharedUsage(self._limiter, publisher.salts), self._refusals]
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
        origin = b""
        if method == "POST":
            request = _read_headers(scope)
            origin = request.origin
            try:
                status, headers, body = await self._take(request, receive)
            except ClientGoneError:
                return
        elif method == "OPTIONS":
            origin = _read_headers(scope).origin
            status, headers, body = answers.preflight()
        else:
            status, headers, body = refused(405, "method_not_allowed", "Events are sent with POST.")
            headers = [*headers, (b"allow", b"POST, OPTIONS")]
        if origin:
            headers = answers.allow_credentials(headers, origin)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _take(self, request: _Request, receive: Receive) -> Answer:
        publisher = self._publisher or await self.start()
        client = client_network(request.address)
        if not self._limiter.allow(client):
            return self._over_rate()
        refusal = publisher.refusal()  # before any work for a batch that cannot be taken
        if refusal is not None:
            return self._not_taken(refusal)
        try:
            body = await self._read_body(request, receive)
        except _RefusedError as error:
            self._refusals.add(error.code)
            return refused(error.status, error.code, str(error), retry_after=error.retry_after)
        received_ms = now_ms()
        try:
            found = await self._read_batch(publisher, request, body, received_ms)
            batch, rejected = found.batch, found.rejections
            if rejected:
                self._refusals.add_all(rejection.code for rejection in rejected)
            self._directory.forget_stale()
            if not found.conference_ids <= self._directory.plain:
                await self._apply_rules(request, found)
            if not batch.events:
                publisher.taken.add(batches=1, accepted=0, rejected=len(rejected))
                return refused(400, "no_valid_event", "No event of the batch is valid.", details=rejected)
            if not self._limiter.allow_events(client, len(batch.events)):
                return self._over_rate()
            if not self._reports.isdisjoint(map(type, batch.events)):
                batch.client = self._hash_client(publisher, request, received_ms)
            await publisher.publish(batch)
        except BatchError as error:
            self._refusals.add(error.code)
            return refused(_STATUS_OF_BATCH_ERROR.get(error.code, 400), error.code, str(error))
        except NotTakenError as error:
            return self._not_taken(error)
        publisher.taken.add(batches=1, accepted=len(batch.events), rejected=len(rejected))
        return answers.accepted(len(batch.events), rejected, found.notices)

    async def _read_body(self, request: _Request, receive: Receive) -> bytes:
        """The unpacked body. Raises _RefusedError or ClientGoneError."""
        if request.content_type.split(b";", 1)[0].strip().lower() not in _MEDIA_TYPES:
            raise _RefusedError(415, "unsupported_media_type", "Send application/json or text/plain.")
        limit = self._max_body_bytes
        try:
            body = await read_body(receive, declared_length=request.length or None, limit=limit)
            encoding = request.encoding.strip().lower()
            if encoding in (b"gzip", b"x-gzip"):
                return unpack_gzip(body, limit=limit)
            if encoding not in (b"", b"identity"):
                raise _RefusedError(415, "unsupported_encoding", "Content-Encoding may be gzip.")
        except BodyTooLargeError:
            message = f"A batch may have at most {limit} bytes, unpacked."
            raise _RefusedError(413, "too_large", message) from None
        except NoRoomError:
            raise _RefusedError(503, "busy", "Too much is sent at once; nothing was taken.") from None
        except BadEncodingError as error:
            message = f"The body is not gzip as its header says: {error}."
            raise _RefusedError(400, "invalid_gzip", message) from None
        return body

    async def _read_batch(
        self, publisher: StreamPublisher, request: _Request, body: bytes, received_ms: int
    ) -> ReadBatch:
        """Raises BatchError or NotTakenError."""
        agent = request.user_agent.decode("latin-1")
        country = self._countries.find(request.address)

        def read(*, is_looked_up: bool) -> ReadBatch:
            make_id = self._visitor_ids(publisher, received_ms, request.address, agent, is_looked_up)
            return read_batch(
                body,
                Client(received_ms, False, make_id, agent=agent[:512], country=country),
                max_events=self._max_events,
                acceptance_days=self._acceptance_days,
            )

        try:
            return read(is_looked_up=False)
        except _ZoneNotKnownError as error:
            await self._directory.look_up(error.args)
        return read(is_looked_up=True)

    def _visitor_ids(
        self, publisher: StreamPublisher, received_ms: int, address: str, agent: str, is_looked_up: bool
    ) -> Callable[[str], str]:
        """Makes ids for visitors without one: one per conference and request, computed when needed.

        is_looked_up: whether a conference whose zone is not known has none. Its date is UTC's.
        """
        ids: dict[str, str] = {}

        def visitor_id(conference_id: str) -> str:
            found = ids.get(conference_id)
            if found is None:
                zone = self._directory.get_zone(conference_id)
                if zone is None and not is_looked_up:
                    raise _ZoneNotKnownError(conference_id)
                salt = publisher.salts.get(local_date(zone or "UTC", received_ms))
                if salt is None:
                    raise NotTakenError(
                        "broker_unavailable", "The day's salt is not loaded yet.", retry_after_seconds=1
                    )
                found = ids[conference_id] = make_visitor_id(
                    salt, conference_id=conference_id, address=address, user_agent=agent
                )
            return found

        return visitor_id

    async def _apply_rules(self, request: _Request, found: ReadBatch) -> None:
        """Reject the events that their conferences refuse, and warn of conferences that do not exist."""
        known, missing = await self._directory.look_up(found.conference_ids)
        placed = answers.places_of(found.batch.events, found.rejections)
        found.notices.extend(answers.name_unknown(missing, placed))
        ruled = {conference_id: each for conference_id, each in known.items() if each.rules is not None}
        if not ruled:
            return
        origin = request.origin.decode("latin-1") or None
        by_sender = {
            conference_id: each.rules.refuse_sender(origin=origin, address=request.address)
            for conference_id, each in ruled.items()
            if each.rules is not None
        }
        kept = []
        for index, event in placed:
            conference_id = event.conference_id
            rules = ruled[conference_id].rules if conference_id in ruled else None
            reason = rules and (by_sender[conference_id] or rules.refuse_event(event))
            if reason:
                found.rejections.append(Rejection(index, reason, MESSAGES[reason]))
                self._refusals.add(reason, conference_id=conference_id)
            else:
                kept.append(event)
        found.batch.events[:] = kept
        found.rejections.sort(key=lambda rejection: -1 if rejection.index is None else rejection.index)

    def _hash_client(self, publisher: StreamPublisher, request: _Request, received_ms: int) -> str:
        """What the quota of reports knows of the sender; "" while the salt is not loaded."""
        salt = publisher.salts.get(dt.datetime.fromtimestamp(received_ms / 1000, dt.UTC).date())
        return "" if salt is None else hash_address(salt, request.address)

    def _over_rate(self) -> Answer:
        self._refusals.add("rate_limited")
        message = "Too much from this address; nothing was taken."
        return refused(429, "rate_limited", message, retry_after=1)

    def _not_taken(self, error: NotTakenError) -> Answer:
        self._refusals.add(error.code)
        return refused(503, error.code, str(error), retry_after=error.retry_after_seconds)


class _RefusedError(Exception):
    """The request is refused before its events are read."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, 1 if status == 503 else None


def _read_headers(scope: Scope) -> _Request:
    content_type = length = user_agent = encoding = origin = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            length = value
        elif name == b"user-agent":
            user_agent = value
        elif name == b"content-encoding":
            encoding = value
        elif name == b"origin":
            origin = value
    address = scope["client"][0] if scope.get("client") else ""
    return _Request(content_type, length, user_agent, encoding, origin, address)


ingest = Ingest()
