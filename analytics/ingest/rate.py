"""How much one client may send: counted in each web process, reconciled between them each second."""

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """What a client sent, or may still send, in requests and events."""

    requests: float
    events: float


class _Bucket(msgspec.Struct, gc=False):
    """Tokens left, and since when; what was used since it was last reported."""

    requests: float
    events: float
    filled_at: float
    used_requests: int = 0
    used_events: int = 0


class RateLimiter:
    """Two token buckets per client: so many requests and events a second on average, twice that in a burst.

    Kept in the process: asking Redis would cost each request a round trip. What clients used is reported each
    moment (`take_usage`), and what they used in other processes is charged here (`charge`). So a client that
    is spread over n processes gets its rate, and n bursts at most.
    Remembers at most `max_clients`, dropping those not seen for longest, whose buckets are full again anyway.
    0 for either rate: no limit.
    """

    def __init__(
        self,
        requests_per_second: int,
        events_per_second: int = 0,
        *,
        max_clients: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = Usage(requests_per_second or 1e12, events_per_second or 1e12)
        self._is_off = not requests_per_second and not events_per_second
        self._max_clients = max_clients
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._used: set[str] = set()

    def allow(self, client: str) -> bool:
        """Whether `client` may call now; counts the call if so."""
        if self._is_off:
            return True
        bucket = self._filled(client)
        if bucket.requests < 1 or bucket.events < 1:
            return False
        bucket.requests -= 1
        bucket.used_requests += 1
        self._used.add(client)
        return True

    def allow_events(self, client: str, events: int) -> bool:
        """Whether `client`, whose call was allowed, may send so many events; counts them if so."""
        if self._is_off:
            return True
        bucket = self._filled(client)
        # A batch may be larger than a burst: then a full bucket is enough, and goes into debt.
        if bucket.events < min(events, 2 * self._rate.events):
            return False
        bucket.events -= events
        bucket.used_events += events
        self._used.add(client)
        return True

    def take_usage(self) -> dict[str, Usage]:
        """What clients used since the last call, if it was a twentieth of a second's rate or more."""
        found: dict[str, Usage] = {}
        for client in self._used:
            bucket = self._buckets.get(client)
            if bucket is None:
                continue
            if (
                bucket.used_requests >= self._rate.requests / 20
                or bucket.used_events >= self._rate.events / 20
            ):
                found[client] = Usage(bucket.used_requests, bucket.used_events)
            bucket.used_requests = bucket.used_events = 0
        self._used = set()
        return found

    def charge(self, client: str, usage: Usage) -> None:
        """Take what the client used elsewhere; a bucket goes into debt by a second's rate at most."""
        bucket = self._filled(client)
        bucket.requests = max(bucket.requests - usage.requests, -self._rate.requests)
        bucket.events = max(bucket.events - usage.events, -self._rate.events)

    def _filled(self, client: str) -> _Bucket:
        """The client's bucket with what has flowed in by now; the most recent of all."""
        now = self._clock()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(2 * self._rate.requests, 2 * self._rate.events, now)
            if len(self._buckets) > self._max_clients:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(client)
        seconds = now - bucket.filled_at
        bucket.requests = min(2 * self._rate.requests, bucket.requests + seconds * self._rate.requests)
        bucket.events = min(2 * self._rate.events, bucket.events + seconds * self._rate.events)
        bucket.filled_at = now
        return bucket
