"""How batches enter the stream in groups, and what happens while Redis cannot take them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
import redis
from django.conf import LazySettings, settings

from analytics.events.batch import Batch
from analytics.ingest.app import Ingest
from analytics.ingest.exchange import Command, Exchange
from analytics.ingest.publisher import (
    MAX_ENTRY_BYTES,
    MAX_WAITING_BYTES,
    NotTakenError,
    StreamPublisher,
)
from analytics.stream.queue import STREAM
from meeteasy.core.redis import connect_async
from tests.analytics.ingest.conftest import Door, page_view, read_stream
from tests.analytics.streams import make_batch
from tests.support.services import ValkeyServer


class Rings:
    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def rings() -> Rings:
    return Rings()


@pytest.fixture
async def publisher(rings: Rings) -> AsyncIterator[StreamPublisher]:
    publisher = StreamPublisher(connect_async(), ring=rings, max_bytes=10**9)
    await publisher.start()
    yield publisher
    await publisher.stop()


def entry_count() -> int:
    return redis.Redis.from_url(settings.REDIS_URL).xlen(STREAM)


async def becomes(look: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not await look():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


async def publish(publisher: StreamPublisher, batch: Batch[Any]) -> None:
    await publisher.publish(batch)


async def test_a_lone_request_is_sent_at_once(publisher: StreamPublisher) -> None:
    await publisher.publish(make_batch())  # opens the connection
    took = []
    for number in range(20):
        started = time.monotonic()
        await publisher.publish(make_batch(f"e{number}"))
        took.append(time.monotonic() - started)

    assert entry_count() == 21
    assert min(took) < 0.005, "a timer would hold up each of them"


async def test_concurrent_requests_share_a_group(publisher: StreamPublisher) -> None:
    await asyncio.gather(*(publisher.publish(make_batch(f"e{number}")) for number in range(100)))

    assert sorted(found.event_id for found in read_stream()) == sorted(f"e{number}" for number in range(100))
    assert entry_count() <= 2


async def test_a_group_larger_than_an_entry_is_split(publisher: StreamPublisher) -> None:
    await asyncio.gather(*(publisher.publish(make_batch(f"e{number}", count=400)) for number in range(10)))

    assert len(read_stream()) == 4000
    assert entry_count() >= 8


async def test_batches_share_an_entry_only_up_to_its_size(publisher: StreamPublisher) -> None:
    """Workers read entries by number, and an event may have hundreds of kilobytes."""
    large = MAX_ENTRY_BYTES // 3 + 1
    await asyncio.gather(*(publisher.publish(make_batch(f"e{number}", size=large)) for number in range(10)))
    assert len(read_stream()) == 10
    assert entry_count() >= 5


async def test_the_waiting_batches_are_bounded_by_size(
    publisher: StreamPublisher, valkey: ValkeyServer
) -> None:
    await publisher.publish(make_batch())
    valkey.pause()
    try:
        sent = [
            asyncio.create_task(publish(publisher, make_batch(size=MAX_WAITING_BYTES // 10)))
            for _ in range(20)
        ]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
    finally:
        valkey.resume()
    assert "queue_full" in {error.code for error in outcomes if isinstance(error, NotTakenError)}


async def test_the_bell_rings_once_until_a_worker_hears_it(publisher: StreamPublisher, rings: Rings) -> None:
    for number in range(10):
        await publisher.publish(make_batch(f"e{number}"))

    async def rung() -> bool:
        return rings.count >= 1

    await becomes(rung, seconds=5)
    assert rings.count == 1


async def test_a_failed_bell_does_not_fail_the_request() -> None:
    def broken() -> None:
        raise ConnectionError("no broker for messages")

    publisher = StreamPublisher(connect_async(), ring=broken, max_bytes=10**9)
    await publisher.start()
    await publisher.publish(make_batch())
    await publisher.stop()

    assert entry_count() == 1


async def test_cancelling_a_request_does_not_affect_the_others(publisher: StreamPublisher) -> None:
    requests = [asyncio.create_task(publish(publisher, make_batch(f"e{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    requests[3].cancel()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)

    assert [outcome for outcome in outcomes if outcome is not None and outcome is not outcomes[3]] == []
    assert {f"e{number}" for number in range(20)} - {"e3"} <= {found.event_id for found in read_stream()}


async def test_an_unforeseen_error_leaves_no_request_waiting() -> None:
    class Failing(Exchange):
        async def send(self, commands: Sequence[Command]) -> list[Any]:
            await asyncio.sleep(0.05)
            raise RuntimeError

    client = connect_async()
    publisher = StreamPublisher(client, ring=lambda: None, max_bytes=10**9)
    publisher._exchange = Failing(client, timeout_seconds=2)
    await publisher.start()
    under_way = asyncio.create_task(publish(publisher, make_batch("e1")))
    await asyncio.sleep(0.01)
    collected = asyncio.create_task(publish(publisher, make_batch("e2")))
    done, waiting = await asyncio.wait([under_way, collected], timeout=2)
    assert not waiting
    assert all(isinstance(request.exception(), NotTakenError) for request in done)
    await publisher.stop()


async def timed(answer: Awaitable[httpx.Response]) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    response = await answer
    return time.monotonic() - started, response


def assert_refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"] == code


async def test_batches_are_refused_at_once_while_valkey_is_away(door: Door, valkey: ValkeyServer) -> None:
    assert (await door.send([page_view()])).status_code == 202
    valkey.kill()
    try:
        answers = await asyncio.gather(*(timed(door.send([page_view()])) for _ in range(50)))
        for seconds, answer in answers:
            assert_refused(answer, "broker_unavailable")
            assert seconds < 2
        for _ in range(20):
            seconds, answer = await timed(door.send([page_view()]))
            assert_refused(answer, "broker_unavailable")
            assert seconds < 0.3
    finally:
        valkey.start()

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)
    assert len(read_stream()) == 2  # no refused batch was stored, and no confirmed one was lost


async def test_only_the_first_batch_waits_for_a_hung_valkey(door: Door, valkey: ValkeyServer) -> None:
    assert (await door.send([page_view()])).status_code == 202
    valkey.pause()
    try:
        # The second wave collects while the first hangs. It must not wait for a time-out of its own.
        first = [asyncio.create_task(timed(door.send([page_view()]))) for _ in range(5)]
        await asyncio.sleep(0.2)
        second = [asyncio.create_task(timed(door.send([page_view()]))) for _ in range(5)]
        for seconds, answer in await asyncio.gather(*first, *second):
            assert_refused(answer, "broker_unavailable")
            assert seconds < 3.5
        for _ in range(10):
            seconds, answer = await timed(door.send([page_view()]))
            assert_refused(answer, "broker_unavailable")
            assert seconds < 0.3
    finally:
        valkey.resume()

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)


async def test_waiting_batches_are_bounded_while_valkey_hangs(
    publisher: StreamPublisher, valkey: ValkeyServer
) -> None:
    await publisher.publish(make_batch())
    valkey.pause()
    codes: list[str] = []
    taken_in = 0
    try:

        async def publish() -> None:
            nonlocal taken_in
            try:
                await publisher.publish(make_batch(count=500))
            except NotTakenError as error:
                codes.append(error.code)

        tasks: list[asyncio.Task[Any]] = []
        for _ in range(1000):  # half a million events, over 50 MB, if all of them waited
            tasks.append(asyncio.create_task(publish()))
            await asyncio.sleep(0)
            group = publisher._group
            taken_in = max(
                taken_in,
                sum(len(batch) for batches in group.entries() for batch in batches) if group else 0,
            )
        await asyncio.gather(*tasks)
    finally:
        valkey.resume()

    assert len(codes) == 1000
    assert set(codes) == {"queue_full", "broker_unavailable"}
    assert MAX_WAITING_BYTES < taken_in <= MAX_WAITING_BYTES + 100_000


async def test_a_stream_above_its_bound_is_full(settings: LazySettings) -> None:
    settings.INGEST_QUEUE_MAX_BYTES = 50_000
    ingest = Ingest()
    await ingest.start()
    door = Door(ingest)
    client = redis.Redis.from_url(settings.REDIS_URL)

    async def full() -> bool:
        answer = await door.send([page_view(title="x" * 500)] * 20)
        if answer.status_code == 202:
            return False
        assert_refused(answer, "queue_full")
        return True

    await becomes(full, seconds=10)
    in_stream = len(read_stream())
    assert_refused(await door.send([page_view()]), "queue_full")
    assert len(read_stream()) == in_stream

    client.xtrim(STREAM, maxlen=0)

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)
    await ingest.stop()


async def test_a_valkey_out_of_memory_is_a_full_queue(door: Door) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    (before,) = client.config_get("maxmemory").values()
    client.config_set("maxmemory", 1)
    try:
        assert_refused(await door.send([page_view()]), "queue_full")
    finally:
        client.config_set("maxmemory", before)

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)


async def test_a_refusal_inside_the_transaction_is_noticed(door: Door) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set(STREAM, b"no stream")
    try:
        assert_refused(await door.send([page_view()]), "queue_full")
    finally:
        client.delete(STREAM)


async def test_a_group_is_appended_whole_or_not_at_all(
    publisher: StreamPublisher,
) -> None:
    """Its clients send it again, and events without an id would count twice."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    event = make_batch("e").events[0]
    event.properties = {"x": "y" * 8000}
    large = Batch(0, False, [event] * 60)  # an entry each
    (before,) = client.config_get("maxmemory").values()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 4_000_000)
    try:
        answers = await asyncio.gather(*(publisher.publish(large) for _ in range(20)), return_exceptions=True)
    finally:
        client.config_set("maxmemory", before)
    refused = [answer for answer in answers if isinstance(answer, NotTakenError)]
    assert [error.code for error in refused] == ["queue_full"] * len(refused)
    assert refused
    assert client.xlen(STREAM) == len(answers) - len(refused)


async def test_valkey_nearly_out_of_memory_is_a_full_queue(door: Door) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    (before,) = client.config_get("maxmemory").values()
    client.setrange(
        "others", 20_000_000, "x"
    )  # not in the stream; sent whole, it would stay in buffers a while
    client.config_set("maxmemory", client.info("memory")["used_memory"] * 100 // 90)
    try:

        async def full() -> bool:
            answer = await door.send([page_view()])
            if answer.status_code == 202:
                return False
            assert_refused(answer, "queue_full")
            return True

        await becomes(full, seconds=10)
        assert client.set("more", b"x"), "Valkey itself still takes writes"
    finally:
        client.delete("others", "more")
        client.config_set("maxmemory", before)

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)


async def test_a_door_recovers_when_valkey_starts_later(
    valkey: ValkeyServer,
) -> None:
    valkey.kill()
    ingest = Ingest()
    door = Door(ingest)
    try:
        await ingest.start()
        assert_refused(await door.send([page_view()]), "broker_unavailable")
    finally:
        valkey.start()

    async def taken() -> bool:
        return (await door.send([page_view()])).status_code == 202

    await becomes(taken, seconds=10)
    await ingest.stop()
