"""What clients used of their rate in all web processes together, exchanged through Redis each moment."""

import datetime as dt
import heapq
from typing import Any

from analytics.ingest.exchange import Command
from analytics.ingest.rate import RateLimiter, Usage
from analytics.ingest.visitor import DailySalts
from meeteasy.core.salts import hash_address

_KEY = "ingest:rate"
_MINUTE_SECONDS = 60
_MAX_CLIENTS = 1_000  # the busiest are exchanged


class SharedUsage:
    """Adds what clients used here to counters of the minute, and charges them what others added.

    Redis knows clients by a hash that is keyed with the date's salt, and forgets them after two minutes.
    """

    def __init__(self, limiter: RateLimiter, salts: DailySalts) -> None:
        self._limiter = limiter
        self._salts = salts
        self._minute = 0
        self._sent: list[str] = []
        # Of this minute, by client: what was used here, and what has been charged for the others.
        self._own: dict[str, Usage] = {}
        self._charged: dict[str, Usage] = {}

    def commands(self, now: dt.datetime) -> list[Command]:
        self._sent = []
        used = self._limiter.take_usage()
        salt = self._salts.get(now.date())
        if not used or salt is None:
            return []
        minute = int(now.timestamp()) // _MINUTE_SECONDS
        if minute != self._minute:
            self._minute, self._own, self._charged = minute, {}, {}
        key = f"{_KEY}:{minute}".encode()
        commands: list[Command] = []
        for client in heapq.nlargest(_MAX_CLIENTS, used, key=lambda client: used[client].events):
            usage, before = used[client], self._own.get(client, Usage(0, 0))
            self._own[client] = Usage(before.requests + usage.requests, before.events + usage.events)
            name = hash_address(salt, client)
            commands.append((b"HINCRBY", key, f"{name}:requests".encode(), int(usage.requests)))
            commands.append((b"HINCRBY", key, f"{name}:events".encode(), int(usage.events)))
            self._sent.append(client)
        return [*commands, (b"EXPIRE", key, 2 * _MINUTE_SECONDS)]

    def take(self, replies: list[Any]) -> None:
        """The replies to what `commands` gave last."""
        for client, requests, events in zip(self._sent, replies[::2], replies[1::2], strict=False):
            own, charged = self._own[client], self._charged.get(client, Usage(0, 0))
            others = Usage(max(requests - own.requests, 0), max(events - own.events, 0))
            self._limiter.charge(
                client, Usage(others.requests - charged.requests, others.events - charged.events)
            )
            self._charged[client] = others
