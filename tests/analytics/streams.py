"""Entries for the stream and drains over them, for tests of failures there."""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence

import redis

from analytics.event_types import EventType
from analytics.event_types.page_view import PageView
from analytics.events.batch import Batch
from analytics.events.rows import EventRow
from analytics.models import Event
from analytics.reactions.pipeline import StoreResult, store_and_react
from analytics.stream.drain import Drain
from analytics.stream.entry import encode_rows
from analytics.stream.queue import GROUP, STREAM, Consumer
from meeteasy.core.redis import get_redis

# Short enough for a test, long enough to differ from "at once".
IDLE_MS = 60
NOON_MS = 1_777_608_000_000  # 2026-05-01 04:00 UTC, noon in Shanghai

_numbers = itertools.count()


def make_row(event_id: str | None = None, **fields: object) -> EventRow:
    """A page view of the conference `summit`; `fields` replace those of the row."""
    event_id = event_id or f"e-{next(_numbers):06d}"
    values: dict[str, object] = {
        "event_id": event_id,
        "type": "page_view",
        "conference_id": "summit",
        "ts_ms": NOON_MS,
        "received_ms": NOON_MS + 5,
        "visitor_id": f"v-{event_id}",
        "session_id": "s",
        "subject": f"v-{event_id}",
        "is_bot": False,
        "data": '{"page":"/"}',
        "properties": "{}",
        **fields,
    }
    return EventRow(**values)  # type: ignore[arg-type]


def make_batch(event_id: str | None = None, *, count: int = 1, size: int = 0) -> Batch[EventType]:
    """The same page view of the conference `summit`, `count` times, as the door takes it.

    size: bytes of each event, about.
    """
    event_id = event_id or f"e-{next(_numbers):06d}"
    event = PageView(
        conference_id="summit",
        event_id=event_id,
        visitor_id=f"v-{event_id}",
        ts=NOON_MS,
        page="/" + "x" * size,
    )
    return Batch(NOON_MS + 5, False, [event] * count)


def append(*entries: Iterable[EventRow] | dict[bytes, bytes]) -> list[bytes]:
    """Add entries to the stream, given as rows or as raw fields. Returns their ids."""
    return [
        get_redis().xadd(STREAM, entry if isinstance(entry, dict) else encode_rows(list(entry)))  # type: ignore[arg-type]
        for entry in entries
    ]


def make_drain(
    process: Callable[[Sequence[EventRow]], StoreResult] = store_and_react,
    *,
    client: redis.Redis | None = None,
) -> Drain:
    """A drain with a consumer of its own that waits for nothing longer than IDLE_MS."""
    return Drain(Consumer(client or get_redis(), claim_idle_ms=IDLE_MS), process, pause_seconds=0)


def run(drain: Drain, *, max_seconds: float = 10) -> bool:
    return drain.run(max_seconds=max_seconds, linger_ms=1)


def wait_until_overdue() -> None:
    time.sleep((IDLE_MS + 20) / 1000)


def deliveries() -> dict[bytes, int]:
    """Return how often each pending entry was delivered."""
    pending = get_redis().xpending_range(STREAM, GROUP, min="-", max="+", count=10_000)
    return {item["message_id"]: item["times_delivered"] for item in pending}


def stored_ids() -> set[str]:
    return {event.event_id for event in Event.objects.all()}


def length() -> int:
    return int(get_redis().xlen(STREAM))
