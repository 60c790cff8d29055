"""Ids for visitors that send none: stable for a day, and untraceable to the address afterwards."""

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest
import redis
from django.conf import settings
from redis.asyncio import Redis

from analytics.ingest.visitor import DailySalts
from conferences.models import Conference
from meeteasy.core import salts
from tests.analytics.ingest.conftest import Door, page_view, read_stream

ADDRESS = "203.0.113.77"


async def test_a_client_is_one_visitor_of_a_conference(door: Door) -> None:
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


async def test_two_web_processes_have_the_same_salts() -> None:
    now = dt.datetime.now(dt.UTC)
    first, second = DailySalts(), DailySalts()
    for found in (first, second):
        client = Redis.from_url(settings.REDIS_URL)
        await found.load(client, now)
        await client.aclose()

    dates = salts.dates_in_use(now)
    assert [first.get(date) for date in dates] == [second.get(date) for date in dates]
    assert len({first.get(date) for date in dates}) == len(dates) >= 2
    assert [first.get(date) for date in dates] == [salts.get_salt(date) for date in dates]


async def test_a_salt_lives_around_its_date() -> None:
    date = dt.date(2031, 5, 10)
    begins = dt.datetime(2031, 5, 9, 10, tzinfo=dt.UTC)  # in Kiritimati
    ends = dt.datetime(2031, 5, 11, 12, tzinfo=dt.UTC)  # on Baker Island
    assert ends - begins == dt.timedelta(hours=50)
    assert salts.ends_at(date) == ends
    client = Redis.from_url(settings.REDIS_URL)
    found = DailySalts()
    second = dt.timedelta(seconds=1)
    for now, is_there in (
        (begins - dt.timedelta(hours=1), False),
        (begins - second, True),
        (ends - second, True),
        (ends, False),
    ):
        await found.load(client, now)
        assert (found.get(date) is not None) is is_there, now
    await client.aclose()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
async def test_the_salt_is_that_of_the_conferences_own_date(door: Door, zone: str) -> None:
    await Conference.objects.acreate(id="summit", name="Summit", time_zone=zone)
    await door.send([page_view()], address=ADDRESS, user_agent="A")

    (row,) = read_stream()
    date = dt.datetime.fromtimestamp(row.received_ms / 1000, ZoneInfo(zone)).date()
    assert row.visitor_id == salts.make_visitor_id(
        salts.get_salt(date), conference_id="summit", address=ADDRESS, user_agent="A"
    )


async def test_redis_drops_a_salt_when_its_date_ends_everywhere(
    door: Door, broker: "redis.Redis[bytes]"
) -> None:
    keys = list(broker.scan_iter("salt:*"))
    assert len(keys) >= 2
    for key in keys:
        date = dt.date.fromisoformat(key.decode().removeprefix("salt:"))
        # It was given so many whole seconds to live, some time ago.
        assert 0 <= salts.ends_at(date).timestamp() - broker.expiretime(key) <= 2


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8::1", "2001:0DB8:0:0::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("203.0.113.7", "203.0.113.7:4711", True),  # Azure's gateway writes the port
        ("2001:db8::1", "[2001:db8::1]:4711", True),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("203.0.113.7:4711", "203.0.113.8:4711", False),
    ],
)
def test_spellings_of_an_address_are_one_visitor(one: str, other: str, is_same: bool) -> None:
    first, second = (
        salts.make_visitor_id(b"salt", conference_id="c", address=address, user_agent="A")
        for address in (one, other)
    )
    assert (first == second) is is_same


def test_a_limit_sees_the_network_of_an_ipv6_client() -> None:
    first, second, third = (
        salts.hash_address(b"salt", address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    )
    assert first == second != third
    assert len(first) == 16


@pytest.mark.parametrize("address", ["a:b", "[", "[]:1", "::1::2", "unknown", "", "1.2.3.4:x:y", "\ud800"])
def test_what_is_no_address_is_one_client(address: str) -> None:
    assert len(salts.hash_address(b"salt", address)) == 16
    assert salts.client_network(address) == address


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
