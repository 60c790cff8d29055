"""From the server's own code into the stream, synchronously; clients' batches go through publisher.py."""

from contextlib import suppress
from functools import lru_cache

import redis
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from analytics.ingest.entry import MAX_EVENTS, encode_entry
from analytics.rows import EventRow
from analytics.stream import BELL, BELL_TTL_MS, STREAM


@lru_cache(maxsize=1)
def _connect() -> redis.Redis:
    """Gives up fast: a request waits for this."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )


def append(rows: list[EventRow]) -> None:
    """Put events into the stream and wake a worker. Raises redis.RedisError; then none, or any part of them,
    is in the stream."""
    pipeline = _connect().pipeline(transaction=False)
    for start in range(0, len(rows), MAX_EVENTS):
        pipeline.xadd(STREAM, encode_entry(rows[start : start + MAX_EVENTS]))  # type: ignore[arg-type]
    pipeline.set(BELL, b"1", nx=True, px=BELL_TTL_MS)
    rung = pipeline.execute()[-1]
    if rung:
        from analytics.tasks import drain_events  # which imports what appends

        with suppress(OperationalError):  # beat's tick makes up for the bell
            drain_events.apply_async(retry=False)
