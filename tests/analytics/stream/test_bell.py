"""The wake-up: a process that appends to the stream rings if no ring is pending, and no ring is lost.

These tests play every order of the steps of an appending web process and of a drain. The web process's steps
are those of analytics/ingest/publisher.py: append, set the key unless it exists, and send a message only if
it did not exist.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from analytics.ingest.exchange import Command, Exchange
from analytics.ingest.publisher import StreamPublisher
from analytics.stream.drain import Drain
from analytics.stream.queue import BELL, BELL_TTL_MS, STREAM, Consumer
from conferences.models import Conference
from meeteasy.core.redis import connect_async, get_redis
from tests.analytics.streams import append, length, make_batch, make_drain, make_row, run

Steps = Iterator[None]


class Messages:
    """The Celery queue, reduced to the number of waiting wake-ups."""

    def __init__(self) -> None:
        self.waiting = 0


def append_and_ring(messages: Messages) -> Steps:
    append([make_row()])
    yield
    rings = get_redis().set(BELL, b"1", nx=True, px=BELL_TTL_MS)
    yield
    if rings:
        messages.waiting += 1


def drain_as_ours(consumer: Consumer) -> Steps:
    consumer.clear_bell()
    yield
    yield from read_all(consumer)


def drain_that_silences_after_reading(consumer: Consumer) -> Steps:
    yield from read_all(consumer)
    yield
    consumer.clear_bell()


def read_all(consumer: Consumer) -> Steps:
    while entries := consumer.read(count=10, block_ms=None):
        consumer.ack([entry.id for entry in entries])
        yield


def left_behind(drain_steps: Callable[[Consumer], Steps], order: tuple[bool, ...]) -> bool:
    """Play one order of steps (True: the drain's turn), then every wake-up. Returns if an entry is left."""
    get_redis().delete(STREAM, BELL)
    consumer = Consumer(get_redis())
    consumer.ensure_group()
    messages = Messages()
    for _ in append_and_ring(messages):
        pass
    messages.waiting -= 1  # the wake-up that starts this drain
    drain, web = drain_steps(consumer), append_and_ring(messages)
    for drains_turn in order:
        next(drain if drains_turn else web, None)
    for _ in itertools.chain(web, drain):
        pass
    while messages.waiting:
        messages.waiting -= 1
        for _ in drain_steps(consumer):
            pass
    return length() > 0


ORDERS = list(itertools.product([True, False], repeat=6))


def test_no_order_of_steps_loses_a_wake_up() -> None:
    assert [order for order in ORDERS if left_behind(drain_as_ours, order)] == []


def test_control_silencing_the_bell_after_reading_loses_wake_ups() -> None:
    assert [order for order in ORDERS if left_behind(drain_that_silences_after_reading, order)] != []


@pytest.mark.django_db
def test_a_drain_silences_the_bell_before_its_first_read(conference: Conference) -> None:
    """The steps above are those of the real drain."""
    steps: list[str] = []

    class Watched(Consumer):
        def clear_bell(self) -> None:
            steps.append("silence")
            super().clear_bell()

        def read(self, **arguments: int | None) -> list:  # type: ignore[override]
            steps.append("read")
            return super().read(**arguments)  # type: ignore[arg-type]

    append([make_row()])
    run(Drain(Watched(get_redis())))
    assert steps[:2] == ["silence", "read"]
    assert steps.count("silence") == 1


async def test_a_publisher_appends_before_it_rings() -> None:
    """The steps above are those of the real publisher, in one exchange."""
    sent: list[list[bytes | int]] = []

    class Watched(Exchange):
        async def send(self, commands: Sequence[Command]) -> list[Any]:
            sent.append([part for command in commands for part in command[:2]])
            return await super().send(commands)

    client = connect_async()
    publisher = StreamPublisher(client, ring=lambda: None, max_bytes=10**9)
    publisher._exchange = Watched(client, timeout_seconds=2)
    await publisher.start()
    await publisher.publish(make_batch())
    await publisher.stop()
    assert sent == [[b"XADD", STREAM.encode(), b"SET", BELL.encode()]]


@pytest.mark.django_db
def test_a_bell_whose_message_was_lost_expires(conference: Conference) -> None:
    for _ in append_and_ring(Messages()):
        pass
    assert 0 < get_redis().pttl(BELL) <= BELL_TTL_MS
    run(make_drain())
    assert not get_redis().exists(BELL)
