"""The queue of one socket, with a client that reads at its own pace."""

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


async def test_only_messages_after_the_snapshot_follow_it() -> None:
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


async def test_a_resync_does_not_cause_duplicates() -> None:
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


async def test_a_slow_client_is_asked_to_return_later() -> None:
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


async def test_the_outbox_gives_up_on_a_stuck_client() -> None:
    client = Client()
    outbox = Outbox(client.take, client.given_up.set, max_waiting=5, close_seconds=0.05)
    client.reads.clear()
    outbox.begin(["snapshot"], seq=0)
    await settle()
    for seq in range(1, 10):
        outbox.offer(f"message {seq}", seq=seq)
    await asyncio.wait_for(client.given_up.wait(), 10)
    assert client.received == []


async def test_sending_ends_when_the_client_leaves() -> None:
    given_up = asyncio.Event()

    async def gone(message: MutableMapping[str, Any]) -> None:
        raise OSError("the connection is closed")

    outbox = Outbox(gone, given_up.set)
    outbox.begin(["snapshot"], seq=0)
    await asyncio.wait_for(given_up.wait(), 10)
    outbox.offer("more", seq=1)  # no error
