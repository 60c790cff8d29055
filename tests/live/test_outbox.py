"""The queue of one socket, with a client that takes what it wants."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from live.outbox import Close, Outbox


class Client:
    """The other end: takes messages while `reads` is set."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.given_up = asyncio.Event()

    async def take(self, message: MutableMapping[str, Any]) -> None:
        await self.reads.wait()
        self.received.append(message.get("text", message.get("code")))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_came_before_the_snapshot_is_left_out_and_what_came_after_follows_it() -> None:
    client = Client()
    outbox = Outbox(client.take, client.given_up.set)
    for seq in (7, 8, 9, 10):
        outbox.offer(f"message {seq}", seq=seq)
    await settle()
    assert client.received == []
    outbox.begin(["snapshot"], seq=8)
    outbox.offer("message 11", seq=11)
    outbox.offer("heartbeat")
    await settle()
    assert client.received == ["snapshot", "message 9", "message 10", "message 11", "heartbeat"]
    outbox.stop()


async def test_a_message_is_not_sent_twice_after_a_resync_that_had_it() -> None:
    client = Client()
    outbox = Outbox(client.take, client.given_up.set)
    outbox.begin(["snapshot"], seq=1)
    await settle()
    client.reads.clear()
    for seq in (2, 3, 4):
        outbox.offer(f"message {seq}", seq=seq)
    outbox.begin(["message 2", "message 3"], seq=3)
    client.reads.set()
    await settle()
    assert client.received == ["snapshot", "message 2", "message 3", "message 4"]
    outbox.stop()


async def test_a_client_that_is_too_slow_is_told_to_come_back_and_nothing_is_kept_for_it() -> None:
    client = Client()
    outbox = Outbox(client.take, client.given_up.set, max_waiting=5)
    outbox.begin(["snapshot"], seq=0)
    await settle()
    client.reads.clear()
    for seq in range(1, 100):
        outbox.offer(f"message {seq}", seq=seq)
        await asyncio.sleep(0)
    assert outbox.closing
    client.reads.set()
    await settle()
    assert client.received == ["snapshot", "message 1", Close.TRY_AGAIN]
    assert client.given_up.is_set()


async def test_a_client_that_takes_nothing_at_all_is_given_up() -> None:
    client = Client()
    outbox = Outbox(client.take, client.given_up.set, max_waiting=5, close_seconds=0.05)
    client.reads.clear()
    outbox.begin(["snapshot"], seq=0)
    await settle()
    for seq in range(1, 10):
        outbox.offer(f"message {seq}", seq=seq)
    await asyncio.wait_for(client.given_up.wait(), 10)
    assert client.received == []


async def test_a_client_that_left_ends_the_sending() -> None:
    given_up = asyncio.Event()

    async def gone(message: MutableMapping[str, Any]) -> None:
        raise OSError("the connection is closed")

    outbox = Outbox(gone, given_up.set)
    outbox.begin(["snapshot"], seq=0)
    await asyncio.wait_for(given_up.wait(), 10)
    outbox.offer("more", seq=1)  # no error
