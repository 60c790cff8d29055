"""The ASGI application behind `POST /api/analytics/events` and the doors of other tools' protocols.

It answers these paths in front of Django, because a Django view costs several times what the work itself
does (docs/adr/0001 has the figures). They need neither sessions nor middleware.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from analytics.event_types import EVENT_TYPES
from analytics.events.clock import now_ms
from analytics.events.problems import BatchError
from analytics.events.validation import Client, ReadBatch, read_batch
from analytics.ingest import answers
from analytics.ingest.body import ClientGoneError, Receive, read_request_body
from analytics.ingest.conferences import Directory, load_aliases
from analytics.ingest.countries import Countries
from analytics.ingest.doors import DOORS, UNUSED, Answer, Door, Refusal, Taken
from analytics.ingest.doors.meeteasy import PATH as PATH
from analytics.ingest.naming import ZoneNotKnownError, make_namer
from analytics.ingest.publisher import NotTakenError, StreamPublisher
from analytics.ingest.rate import RateLimiter
from analytics.ingest.reconciling import SharedUsage
from analytics.ingest.refusals import Refusals
from analytics.ingest.remembering import Remembered
from analytics.ingest.requests import RefusedError, Request, Scope, read_request
from analytics.ingest.ruling import apply_rules
from analytics.ingest.senders import ANYBODY, Senders
from analytics.ingest.translating import Translated, translate
from analytics.ingest.visitor import DailySalts
from analytics.stream.queue import wake_worker
from meeteasy.core.asgi import send_answer
from meeteasy.core.redis import connect_async
from meeteasy.core.salts import client_network, hash_address

PATHS = frozenset(DOORS)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_STATUS_OF_BATCH_ERROR = {"too_many_events": 413, "too_large": 413}
# Types of which the worker bounds how many a client may report (docs/definitions.md).
_REPORTS = frozenset(("registration", "checkin"))
_KEY_CODES = {"key_required", "wrong_key"}


class Ingest:
    """Takes batches of events and answers once Redis has them.

    The server's lifespan calls `start` and `stop`; without a lifespan the first request starts it.
    """

    def __init__(self) -> None:
        self._publisher: StreamPublisher | None = None
        self._starting: asyncio.Lock | None = None
        self._limiter = RateLimiter(settings.INGEST_RATE_PER_SECOND, settings.INGEST_EVENTS_PER_SECOND)
        self._directory = Directory()
        self._aliases = Remembered(load_aliases)
        self._senders = Senders(self._directory, self._aliases)
        self._refusals = Refusals()
        self._countries = Countries(settings.COUNTRY_DATABASE)
        self._reports = {EVENT_TYPES[name] for name in _REPORTS}
        self._own_door = DOORS[PATH]
        # Read once: each access to Django's settings costs half a microsecond.
        self._doors = {path: (door, door.body_limit) for path, door in DOORS.items()}
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
        await self._senders.stop()
        self._directory.close()
        self._aliases.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        request = read_request(scope)
        door, limit = self._doors.get(request.path) or self._doors[PATH]
        if method == "POST":
            try:
                status, headers, body = await self._answer(door, request, receive, limit)
            except ClientGoneError:
                return
        elif method == "OPTIONS":
            asked = dict(scope["headers"]).get(b"access-control-request-headers", b"")
            status, headers, body = answers.preflight(asked)
        else:
            status, headers, body = door.refuse(
                Refusal(405, "method_not_allowed", "Events are sent with POST.")
            )
            headers = [*headers, (b"allow", b"POST, OPTIONS")]
        if request.origin:
            headers = answers.allow_credentials(headers, request.origin)
        await send_answer(scope, send, status, headers, body)

    async def _answer(self, door: Door, request: Request, receive: Receive, limit: int) -> Answer:
        """Take what the request sends, of at most `limit` bytes. Raises ClientGoneError."""
        publisher = self._publisher or await self.start()
        client = client_network(request.address)
        try:
            if not self._limiter.allow(client):
                raise _over_rate()
            refusal = publisher.refusal()  # before any work for a batch that cannot be taken
            if refusal is not None:
                raise refusal
            body = await read_request_body(receive, request, media_types=door.media_types, limit=limit)
            received_ms = now_ms()
            self._directory.forget_stale()
            if door is self._own_door and not request.authorization and not request.query:
                translated, sender = None, ANYBODY
                try:
                    found = self._read_batch(publisher.salts, request, body, received_ms)
                except ZoneNotKnownError as error:
                    await self._directory.look_up(error.args)
                    found = self._read_batch(publisher.salts, request, body, received_ms, is_looked_up=True)
            else:
                translated = await self._translate(publisher, door, request, body, received_ms)
                found, sender = translated.found, translated.sender
            batch, rejected = found.batch, found.rejections
            if rejected:
                self._refusals.add_all(rejection.code for rejection in rejected)
            if not found.is_plain:
                await apply_rules(self._directory, self._refusals, request, sender, found)
            if not batch.events:
                publisher.taken.add(batches=1, accepted=0, rejected=len(rejected))
                return _take_nothing(door, found)
            if not self._limiter.allow_events(client, len(batch.events)):
                raise _over_rate()
            if not self._reports.isdisjoint(map(type, batch.events)):
                batch.client = self._hash_client(publisher, request, received_ms)
            if translated is None:
                await publisher.publish(batch)
                publisher.taken.add(batches=1, accepted=len(batch.events), rejected=len(rejected))
                return answers.accepted(len(batch.events), rejected, found.notices)
            await asyncio.gather(*map(publisher.publish, translated.batches()))
        except BatchError as error:
            status = _STATUS_OF_BATCH_ERROR.get(error.code, 400)
            return self._refuse(door, Refusal(status, error.code, str(error)))
        except RefusedError as error:
            why = Refusal(error.status, error.code, str(error), retry_after=error.retry_after)
            return self._refuse(door, why)
        except NotTakenError as error:
            why = Refusal(503, error.code, str(error), retry_after=error.retry_after_seconds)
            return self._refuse(door, why)
        publisher.taken.add(batches=1, accepted=len(batch.events), rejected=len(rejected))
        first = batch.events[0].visitor_id or ""
        return door.accept(Taken(len(batch.events), rejected, found.notices, first))

    def _refuse(self, door: Door, refusal: Refusal) -> Answer:
        self._refusals.add(refusal.code)
        return door.refuse(refusal)

    async def _translate(
        self, publisher: StreamPublisher, door: Door, request: Request, body: bytes, received_ms: int
    ) -> Translated:
        """Raises BatchError, RefusedError or NotTakenError."""
        return await translate(
            door,
            request,
            body,
            received_ms=received_ms,
            senders=self._senders,
            salts=publisher.salts,
            countries=self._countries,
            acceptance_days=self._acceptance_days,
        )

    def _read_batch(
        self,
        salts: DailySalts,
        request: Request,
        body: bytes,
        received_ms: int,
        *,
        is_looked_up: bool = False,
    ) -> ReadBatch:
        """Read a batch of our own protocol without a key. Raises BatchError, and what make_namer names."""
        address, agent = request.address, request.agent
        namer = make_namer(
            self._directory,
            salts,
            received_ms=received_ms,
            address=address,
            agent=agent,
            is_looked_up=is_looked_up,
        )
        return read_batch(
            body,
            Client(received_ms, False, namer, agent=agent[:512], country=self._countries.find(address)),
            max_events=self._max_events,
            acceptance_days=self._acceptance_days,
            plain=self._directory.plain,
        )

    def _hash_client(self, publisher: StreamPublisher, request: Request, received_ms: int) -> str:
        """What the quota of reports knows of the sender; "" while the salt is not loaded."""
        salt = publisher.salts.get(dt.datetime.fromtimestamp(received_ms / 1000, dt.UTC).date())
        return "" if salt is None else hash_address(salt, request.address)


def _take_nothing(door: Door, found: ReadBatch) -> Answer:
    """Refuse a request without a valid event, unless it has none that our figures are made of."""
    rejected = found.rejections
    if all(rejection.code in UNUSED for rejection in rejected):
        return door.accept(Taken(0, rejected, found.notices))
    is_about_keys = {rejection.code for rejection in rejected} & _KEY_CODES
    status, code = (401, min(is_about_keys)) if is_about_keys else (400, "no_valid_event")
    return door.refuse(Refusal(status, code, "No event of the batch is valid.", rejected))


def _over_rate() -> RefusedError:
    message = "Too much from this address; nothing was taken."
    return RefusedError(429, "rate_limited", message, retry_after=1)


ingest = Ingest()
