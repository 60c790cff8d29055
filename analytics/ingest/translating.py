"""Reading a request that a door must translate, or that carries a key: event by event, as JSON values."""

from dataclasses import dataclass
from functools import partial

from analytics.event_types import EventType
from analytics.events.batch import Batch
from analytics.events.json_values import read_json
from analytics.events.validation import Client, ReadBatch, SentBatch, read_events
from analytics.ingest.answers import places_of
from analytics.ingest.contexts import NOTHING, Context, group_by_context, name_visitors, read_context
from analytics.ingest.countries import Countries
from analytics.ingest.doors import Door
from analytics.ingest.naming import ZoneNotKnownError, make_namer
from analytics.ingest.requests import Request
from analytics.ingest.senders import Sender, Senders
from analytics.ingest.visitor import DailySalts
from analytics.stream.entry import MAX_EVENTS


@dataclass
class Translated:
    """The events of a request, who sent it, and what they said of the visitors."""

    found: ReadBatch
    sender: Sender
    contexts: list[Context]

    def batches(self) -> list[Batch[EventType]]:
        """The batches for the stream: of one agent and country each, and of no more events than fit."""
        whole = self.found.batch
        if not self.contexts and len(whole.events) <= MAX_EVENTS:
            return [whole]
        placed = places_of(whole.events, self.found.rejections)
        return [
            Batch(
                whole.received_ms,
                whole.is_bot,
                events[start : start + MAX_EVENTS],
                whole.client,
                agent or whole.agent,
                country or whole.country,
            )
            for (agent, country), events in group_by_context(placed, self.contexts).items()
            for start in range(0, len(events), MAX_EVENTS)
        ]


async def translate(
    door: Door,
    request: Request,
    body: bytes,
    *,
    received_ms: int,
    senders: Senders,
    salts: DailySalts,
    countries: Countries,
    acceptance_days: int,
) -> Translated:
    """Raises BatchError, RefusedError or NotTakenError."""
    sent = await door.translate(read_json(body), request, senders)
    sender, contexts = sent.sender, []
    events = list(sent.events)

    def make_id(conference_id: str, *, address: str, agent: str, is_looked_up: bool) -> str:
        namer = make_namer(
            senders.directory,
            salts,
            received_ms=received_ms,
            address=address,
            agent=agent,
            is_looked_up=is_looked_up,
        )
        return namer(conference_id)

    if sender.is_secret:
        contexts = [read_context(given, countries.find) for given in sent.contexts] or [NOTHING] * len(events)
        events = name_visitors(events, contexts, partial(make_id, is_looked_up=True))

    def read(*, is_looked_up: bool) -> ReadBatch:
        client = Client(
            received_ms,
            False,
            _name_nobody
            if sender.is_secret
            else partial(make_id, address=request.address, agent=request.agent, is_looked_up=is_looked_up),
            # Of a server's own agent and address nothing follows for its visitors.
            agent="" if sender.is_secret else request.agent[:512],
            country="" if sender.is_secret else countries.find(request.address),
            secret_of=sender.conference_id if sender.is_secret else None,
        )
        given = SentBatch(events, sent.sent_at)
        return read_events(given, client, door.event_limit, acceptance_days, senders.directory.plain)

    try:
        found = read(is_looked_up=False)
    except ZoneNotKnownError as error:
        await senders.directory.look_up(error.args)
        found = read(is_looked_up=True)
    return Translated(found, sender, contexts)


def _name_nobody(conference_id: str) -> str:
    """A server's address says nothing of the visitor."""
    return ""
