"""FastAPI + FastStream: the same work as the frameworks' guides would have it done.

The web application validates a batch with pydantic and publishes it to a Redis list, one message a request.
The consumer takes messages in batches (`ListSub(batch=True)`), de-duplicates by the unique event id and
stores in SQLite, one transaction a batch of messages.

    uvicorn benchmarks.references.faststream_service:application
    python -m benchmarks.references.faststream_service          (the consumer)
"""

import asyncio
import json
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from faststream import FastStream
from faststream.redis import ListSub, RedisBroker
from pydantic import BaseModel, ConfigDict, Field

from benchmarks.references import FASTSTREAM_LIST

# Messages taken at once; more made the consumer no faster.
MESSAGES_AT_ONCE = 100

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=512)]
LongText = Annotated[str, Field(max_length=2048)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="allow")

    conference_id: Id
    event_id: Id | None = None
    visitor_id: Id | None = None
    session_id: Id | None = None
    ts: int | None = None


class PageView(_Event):
    type: Literal["page_view"]
    page: LongText
    url: LongText = ""
    referrer: LongText = ""
    title: LongText = ""


class Share(_Event):
    type: Literal["share"]
    share_code: Id
    channel: Text = ""
    target_url: LongText = ""
    parent_share_code: Id | None = None


class ShareOpen(_Event):
    type: Literal["share_open"]
    share_code: Id


class Registration(_Event):
    type: Literal["registration"]
    form_id: Text
    registration_id: Id | None = None
    share_code: Id | None = None


class CheckIn(_Event):
    type: Literal["checkin"]
    method: Text
    registration_id: Id | None = None


class AIChat(_Event):
    type: Literal["ai_chat"]
    message_length: Annotated[int, Field(ge=0)]


class Batch(BaseModel):
    events: Annotated[
        list[
            Annotated[
                PageView | Share | ShareOpen | Registration | CheckIn | AIChat, Field(discriminator="type")
            ]
        ],
        Field(min_length=1, max_length=500),
    ]


class Accepted(BaseModel):
    accepted: int


class StoredEvent(BaseModel):
    """What travels on the list."""

    event_id: str
    type: str
    conference_id: str
    visitor_id: str
    session_id: str
    ts: int
    received: int
    data: dict[str, Any]


_OWN = {"event_id", "type", "conference_id", "visitor_id", "session_id", "ts"}

# redis-py's pool of 100 connections fails requests when 256 come at once.
broker = RedisBroker(
    os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"), logger=None, max_connections=1000
)


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    await broker.connect()
    yield
    await broker.stop()


application = FastAPI(lifespan=_lifespan)


@application.post("/api/analytics/events", status_code=202)
async def take_events(batch: Batch) -> Accepted:
    rows = to_rows(batch)
    await broker.publish(rows, list=FASTSTREAM_LIST)
    return Accepted(accepted=len(rows))


def to_rows(batch: Batch) -> list[StoredEvent]:
    received = int(time.time() * 1000)
    return [
        StoredEvent(
            event_id=event.event_id or str(uuid.uuid4()),
            type=event.type,
            conference_id=event.conference_id,
            visitor_id=event.visitor_id or "",
            session_id=event.session_id or "",
            ts=event.ts or received,
            received=received,
            data=event.model_dump(exclude=_OWN, exclude_defaults=True),
        )
        for event in batch.events
    ]


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["REFERENCE_DATABASE"], isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS event (event_id TEXT PRIMARY KEY, type TEXT, conference_id TEXT, "
        "visitor_id TEXT, session_id TEXT, ts INTEGER, received INTEGER, data TEXT)"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS event_day ON event (conference_id, ts)")
    return connection


@broker.subscriber(
    list=ListSub(FASTSTREAM_LIST, batch=True, max_records=MESSAGES_AT_ONCE, polling_interval=0.01)
)
async def store_events(messages: list[list[StoredEvent]]) -> None:
    _database.execute("BEGIN IMMEDIATE")
    _database.executemany(
        "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.event_id, row.type, row.conference_id, row.visitor_id, row.session_id,
                row.ts, row.received, json.dumps(row.data),
            )
            for rows in messages
            for row in rows
        ],
    )  # fmt: skip
    _database.execute("COMMIT")


if __name__ == "__main__":
    _database = _connect()
    asyncio.run(FastStream(broker, logger=None).run())
