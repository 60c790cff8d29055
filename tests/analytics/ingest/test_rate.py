import asyncio
from typing import Any

import pytest
import redis
from django.conf import settings

from analytics.ingest.app import Ingest
from analytics.ingest.rate import RateLimiter, Usage
from tests.analytics.ingest.conftest import Door, page_view, read_stream


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_of_twice_the_rate_passes() -> None:
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)

    assert [limiter.allow("a") for _ in range(12)] == [True] * 10 + [False] * 2
    clock.now += 1
    assert [limiter.allow("a") for _ in range(6)] == [True] * 5 + [False]


def test_each_client_has_its_own_bucket() -> None:
    limiter = RateLimiter(1, clock=Clock())

    assert [limiter.allow("a") for _ in range(3)] == [True, True, False]
    assert limiter.allow("b")


def test_zero_means_no_limit() -> None:
    limiter = RateLimiter(0, clock=Clock())

    assert all(limiter.allow("a") for _ in range(1000))


def test_the_limiter_drops_the_least_recent_clients() -> None:
    limiter = RateLimiter(1, max_clients=100, clock=Clock())
    assert [limiter.allow("steady") for _ in range(3)] == [True, True, False]

    for number in range(10_000):
        limiter.allow(f"client {number}")
        if number % 50 == 0:
            assert not limiter.allow("steady")

    assert len(limiter._buckets) == 100


def test_events_have_a_rate_of_their_own() -> None:
    clock = Clock()
    limiter = RateLimiter(1000, 100, clock=clock)

    assert [limiter.allow_events("a", 60) for _ in range(4)] == [True, True, True, False]
    clock.now += 1
    assert limiter.allow_events("a", 100)
    assert not limiter.allow_events("a", 100)


def test_a_batch_above_a_burst_passes_full_buckets() -> None:
    clock = Clock()
    limiter = RateLimiter(1000, 100, clock=clock)

    assert limiter.allow_events("a", 500)
    clock.now += 3
    assert not limiter.allow("a")  # still in debt
    clock.now += 2
    assert limiter.allow("a")


def test_only_busy_clients_are_reported() -> None:
    limiter = RateLimiter(100, 1000, clock=Clock())
    for _ in range(5):
        limiter.allow("busy")
    limiter.allow("quiet")
    limiter.allow_events("quiet", 49)

    assert limiter.take_usage() == {"busy": Usage(5, 0)}
    assert limiter.take_usage() == {}


def test_usage_elsewhere_is_charged_within_bounds() -> None:
    limiter = RateLimiter(10, 100, clock=Clock())
    limiter.charge("a", Usage(19, 0))
    assert [limiter.allow("a"), limiter.allow("a")] == [True, False]

    limiter.charge("b", Usage(1_000_000, 0))
    assert limiter._buckets["b"].requests == -10


@pytest.fixture
def limits(settings: Any) -> None:
    settings.INGEST_RATE_PER_SECOND, settings.INGEST_EVENTS_PER_SECOND = 1000, 100


async def test_a_batch_over_the_rate_is_refused_whole(limits: None) -> None:
    ingest = Ingest()
    await ingest.start()
    door = Door(ingest)
    statuses = [(await door.send([page_view()] * 60)).status_code for _ in range(5)]
    await ingest.stop()

    assert statuses == [202, 202, 202, 429, 429]
    assert len(read_stream()) == 180


async def test_web_processes_share_a_clients_rate(limits: None) -> None:
    """Two processes with a burst of 200 events each. Each charges what the other took."""
    first, second = Ingest(), Ingest()
    for ingest in (first, second):
        await ingest.start()
    assert (await Door(first).send([page_view()] * 150)).status_code == 202
    assert (await Door(second).send([page_view()] * 20)).status_code == 202
    await asyncio.sleep(1.2)  # both have reported and heard of each other; 100 tokens flow in a second
    taken = 0
    for _ in range(10):
        taken += 20 * ((await Door(second).send([page_view()] * 20)).status_code == 202)
    for ingest in (first, second):
        await ingest.stop()

    assert taken < 200  # alone it would have its burst again, and take all
    keys = [key for key in redis.Redis.from_url(settings.REDIS_URL).scan_iter("ingest:rate:*")]
    assert keys
    for key in keys:
        assert not any(b"203.0.113" in field for field in redis.Redis.from_url(settings.REDIS_URL).hkeys(key))
