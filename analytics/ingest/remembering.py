"""What the database knows of names that clients choose, remembered for some seconds, at a bounded cost."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from django.db import connections

from meeteasy.core.logs import get_logger

log = get_logger(__name__)

Value = TypeVar("Value")

FRESH_SECONDS = 5.0
# How long a request waits to hear about its names; without an answer it is taken as if all were well.
_WAIT_SECONDS = 0.25
# After the database could not be asked.
_PAUSE_SECONDS = 2.0
MAX_REMEMBERED = 10_000


class Remembered(Generic[Value]):
    """Values by name, so that the database is asked about each once in FRESH_SECONDS.

    One thread asks the database, one query at a time, for all requests that wait by then: clients choose how
    many names there are.
    load: the values of those of the names that there are; blocks. clock: tests give another.
    """

    def __init__(
        self,
        load: Callable[[Collection[str]], dict[str, Value]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known: dict[str, Value] = {}
        self._missing: set[str] = set()
        self._wanted: set[str] = set()
        self._load = load
        self._clock = clock
        self._expires = 0.0
        self._paused_until = 0.0
        self._executor = _make_executor()
        self._lock: asyncio.Lock | None = None

    def forget_stale(self) -> None:
        """Forget all that is older than FRESH_SECONDS, or more than fits. To be called before each look."""
        is_full = len(self._known) + len(self._missing) > MAX_REMEMBERED
        if is_full or self._clock() >= self._expires:
            self._forget()
            self._expires = self._clock() + FRESH_SECONDS

    def _forget(self) -> None:
        self._known, self._missing = {}, set()

    async def look_up(
        self, names: Iterable[str], *, wait_seconds: float = _WAIT_SECONDS
    ) -> tuple[dict[str, Value], set[str]]:
        """Those of the names that exist, and those that do not. What could not be looked up is in neither."""
        names = set(names)
        unsure = names - self._known.keys() - self._missing
        if unsure and self._clock() >= self._paused_until:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._ask(unsure)
            except TimeoutError:
                pass
        return {found: self._known[found] for found in names & self._known.keys()}, names & self._missing

    async def _ask(self, names: set[str]) -> None:
        if self._lock is None:
            self._lock = asyncio.Lock()
        self._wanted |= names
        async with self._lock:
            # Of all that wait: a query for each would let clients choose how many there are. Another request
            # may have asked for ours meanwhile.
            names = (names | self._wanted) - self._known.keys() - self._missing
            self._wanted = set()
            if not names:
                return
            try:
                found = await self.in_thread(self._load, names)
            except Exception as error:  # of any kind: events are taken all the same
                log.warning("names_not_read", error=repr(error))
                self._paused_until = self._clock() + _PAUSE_SECONDS
                return
            self._missing |= names - found.keys()
            self._remember(found)

    def _remember(self, found: dict[str, Value]) -> None:
        self._known.update(found)

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something that blocks in the thread that asks the database."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def close(self) -> None:
        """Close the thread's connection to the database and end the thread; it begins again when needed."""
        executor, self._executor = self._executor, _make_executor()
        executor.submit(connections.close_all)
        executor.shutdown(wait=True)


def _make_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="names")
