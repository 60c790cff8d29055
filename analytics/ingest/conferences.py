"""Which of the conferences that clients name exist, as each web process knows it for a few seconds."""

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connections

from conferences.models import Conference
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

FRESH_SECONDS = 5.0
# How long a request waits to hear whether its conference exists; the answer then says nothing about it.
_WAIT_SECONDS = 0.25
# After the database could not be asked.
_PAUSE_SECONDS = 2.0
_MAX_REMEMBERED = 10_000
_IDS_AT_ONCE = 500


def list_existing(conference_ids: Collection[str]) -> set[str]:
    """Those of the ids that a conference has. Blocks."""
    ids = list(conference_ids)
    close_old_connections()
    try:
        return {
            found
            for start in range(0, len(ids), _IDS_AT_ONCE)
            for found in Conference.objects.filter(id__in=ids[start : start + _IDS_AT_ONCE]).values_list(
                "id", flat=True
            )
        }
    finally:
        close_old_connections()


class Directory:
    """Remembers which ids exist, so that the database is asked about each once in FRESH_SECONDS.

    One thread asks the database, for one request at a time while the others wait: clients choose how many ids
    there are.
    list_existing, clock: tests give others.
    """

    def __init__(
        self,
        list_existing: Callable[[Collection[str]], set[str]] = list_existing,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # For the caller to look at first: those that exist. A set, so that many are compared at once.
        self.existing: set[str] = set()
        self._missing: set[str] = set()
        self._list_existing = list_existing
        self._clock = clock
        self._expires = 0.0
        self._paused_until = 0.0
        self._executor = _make_executor()
        self._lock: asyncio.Lock | None = None

    def forget_stale(self) -> None:
        """To be called every moment: forgets all that is older than FRESH_SECONDS, or more than fits."""
        is_full = len(self.existing) + len(self._missing) > _MAX_REMEMBERED
        if is_full or self._clock() >= self._expires:
            self.existing, self._missing = set(), set()
            self._expires = self._clock() + FRESH_SECONDS

    async def find_missing(self, ids: set[str]) -> set[str]:
        """Those of the ids that no conference has. Empty where that could not be found out in time."""
        unsure = ids - self.existing - self._missing
        if unsure and self._clock() >= self._paused_until:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await self._look_up(unsure)
            except TimeoutError:
                pass
        return ids & self._missing

    async def _look_up(self, ids: set[str]) -> None:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            ids = ids - self.existing - self._missing  # another request may have asked meanwhile
            if not ids:
                return
            loop = asyncio.get_running_loop()
            try:
                existing = await loop.run_in_executor(self._executor, self._list_existing, ids)
            except Exception as error:  # of any kind: events are taken all the same
                log.warning("conferences_not_read", error=repr(error))
                self._paused_until = self._clock() + _PAUSE_SECONDS
                return
            self.existing |= existing
            self._missing |= ids - existing

    def close(self) -> None:
        """Close the thread's connection to the database and end the thread; it begins anew when needed."""
        executor, self._executor = self._executor, _make_executor()
        executor.submit(connections.close_all)
        executor.shutdown(wait=True)


def _make_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="conferences")
