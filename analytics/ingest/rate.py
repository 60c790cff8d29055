"""How often one client address may call, counted in each web process by itself."""

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimiter:
    """A token bucket per client: `per_second` requests on average, twice that in a burst.

    Kept in the process: asking Redis would cost each request a round trip, and the limit is there to stop
    a runaway client, not to count exactly. Remembers at most `max_clients`, dropping the ones not seen for
    longest, whose buckets are full again anyway.
    """

    def __init__(
        self, per_second: int, *, max_clients: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = per_second
        self._burst = 2.0 * per_second
        self._max_clients = max_clients
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str) -> bool:
        """Whether `client` may call now; counts the call if so."""
        if self._rate == 0:
            return True
        now = self._clock()
        tokens, last = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - last) * self._rate)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return allowed
