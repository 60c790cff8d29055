"""The HTTP door, driven in this process with the real Valkey behind it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import redis
from django.conf import settings

from analytics.events.rows import EventRow
from analytics.ingest.app import PATH, Ingest
from analytics.stream.entry import decode_entry
from analytics.stream.queue import STREAM

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)


def read_stream() -> list[EventRow]:
    """All rows in the stream, in the order of arrival."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    return [row for _, fields in client.xrange(STREAM) for row in decode_entry(fields)]


def page_view(**fields: Any) -> dict[str, Any]:
    return {"type": "page_view", "conference_id": "summit", "page": "/", **fields}


@pytest.fixture
def broker() -> "redis.Redis[bytes]":
    return redis.Redis.from_url(settings.REDIS_URL)


class Door:
    """A client of one Ingest application.

    `send(events)` posts a batch; `send(body=...)` any JSON value; `send(content=...)` any bytes.
    """

    def __init__(self, ingest: Ingest) -> None:
        self.ingest = ingest

    async def request(
        self,
        method: str,
        *,
        path: str = PATH,
        content: bytes = b"",
        address: str = "203.0.113.7",
        **headers: str,
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.ingest, client=(address, 4711))  # type: ignore[arg-type]
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            client.headers.clear()
            return await client.request(method, path, content=content, headers=given)

    async def send(
        self,
        events: list[Any] | None = None,
        *,
        body: Any = None,
        content: bytes | None = None,
        user_agent: str = BROWSER,
        content_type: str = "application/json",
        **options: Any,
    ) -> httpx.Response:
        if content is None:
            content = msgspec.json.encode({"events": events} if events is not None else body)
        return await self.request(
            "POST", content=content, user_agent=user_agent, content_type=content_type, **options
        )


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    ingest = Ingest()
    await ingest.start()
    yield Door(ingest)
    await ingest.stop()
