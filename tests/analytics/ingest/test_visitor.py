"""Ids for visitors that send none: stable for a day, and no way back to the address afterwards."""

import datetime as dt

import msgspec
import pytest
import redis
from django.conf import settings
from redis.asyncio import Redis

from analytics.ingest.visitor import DailySalts
from tests.analytics.ingest.conftest import Door, page_view, read_stream

ADDRESS = "203.0.113.77"


@pytest.fixture
def broker() -> "redis.Redis[bytes]":
    return redis.Redis.from_url(settings.REDIS_URL)


async def test_the_same_client_is_the_same_visitor_of_a_conference(door: Door) -> None:
    for _ in range(3):
        await door.send([page_view()], address=ADDRESS)

    visitors = {row.visitor_id for row in read_stream()}
    assert len(visitors) == 1
    assert len(visitors.pop()) == 32


async def test_another_conference_address_or_user_agent_is_another_visitor(door: Door) -> None:
    await door.send([page_view(), page_view(conference_id="other")], address=ADDRESS, user_agent="A")
    await door.send([page_view()], address="203.0.113.78", user_agent="A")
    await door.send([page_view()], address=ADDRESS, user_agent="B")

    assert len({row.visitor_id for row in read_stream()}) == 4


async def test_a_visitor_id_from_the_client_is_kept(door: Door) -> None:
    await door.send([page_view(visitor_id="v-1"), page_view()])

    named, unnamed = read_stream()
    assert (named.visitor_id, named.subject) == ("v-1", "v-1")
    assert unnamed.visitor_id != "v-1"
    assert unnamed.subject == unnamed.visitor_id


async def test_two_web_processes_make_the_same_id(door: Door, broker: "redis.Redis[bytes]") -> None:
    today = dt.datetime.now(dt.UTC).date()
    first, second = DailySalts(), DailySalts()
    for salts in (first, second):
        client = Redis.from_url(settings.REDIS_URL)
        await salts.load(client, today)
        await client.aclose()

    ids = {salts.visitor_id(today, "summit", ADDRESS, "A") for salts in (first, second)}
    assert len(ids) == 1
    assert None not in ids


async def test_each_day_has_its_own_salt(
    broker: "redis.Redis[bytes]",
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    tomorrow = today + dt.timedelta(days=1)
    client = Redis.from_url(settings.REDIS_URL)
    salts = DailySalts()
    await salts.load(client, today)
    before = salts.visitor_id(today, "summit", ADDRESS, "A")
    at_midnight = salts.visitor_id(tomorrow, "summit", ADDRESS, "A")  # loaded in time
    await salts.load(client, tomorrow)
    await client.aclose()

    assert before is not None
    assert at_midnight is not None
    assert before != at_midnight
    assert salts.visitor_id(tomorrow, "summit", ADDRESS, "A") == at_midnight
    assert salts.visitor_id(today, "summit", ADDRESS, "A") is None


async def test_redis_drops_a_salt_an_hour_after_its_day(door: Door, broker: "redis.Redis[bytes]") -> None:
    today = dt.datetime.now(dt.UTC).date()
    for days in (0, 1):
        day = today + dt.timedelta(days=days)
        end = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=1, hours=1)
        assert broker.expiretime(f"ingest:salt:{day.isoformat()}") == int(end.timestamp())


async def test_addresses_are_never_kept(door: Door, broker: "redis.Redis[bytes]") -> None:
    await door.send([page_view(colour="red")], address=ADDRESS, x_forwarded_for="198.51.100.99")

    (row,) = read_stream()
    everything = msgspec.json.encode(row)
    read = {
        b"string": broker.get,
        b"stream": broker.xrange,
        b"list": lambda key: broker.lrange(key, 0, -1),
        b"set": broker.smembers,
        b"hash": broker.hgetall,
        b"zset": lambda key: broker.zrange(key, 0, -1),
    }
    for key in broker.scan_iter():
        everything += key + repr(read[broker.type(key)](key)).encode()
    assert b"red" in everything
    assert ADDRESS.encode() not in everything
    assert b"198.51.100.99" not in everything
