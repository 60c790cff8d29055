"""What the door knows of the conferences that clients name: whether they exist, their zone and their rules.

Each web process remembers it for a few seconds, so that no request waits for the database.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec
from django.db import close_old_connections, connections

from analytics.ingest.rules import Rules, make_rules
from analytics.models import DoorRules
from conferences.models import Conference
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

FRESH_SECONDS = 5.0
# How long a request waits to hear about its conference; without an answer it is taken as if all were well.
_WAIT_SECONDS = 0.25
# After the database could not be asked.
_PAUSE_SECONDS = 2.0
_MAX_REMEMBERED = 10_000
_IDS_AT_ONCE = 500


class Known(msgspec.Struct, frozen=True):
    """An existing conference. rules: None where its organizers made none."""

    time_zone: str
    rules: Rules | None = None


def load_conferences(conference_ids: Collection[str]) -> dict[str, Known]:
    """Those of the ids that a conference has. Blocks."""
    ids = list(conference_ids)
    close_old_connections()
    try:
        found: dict[str, Known] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            part = ids[start : start + _IDS_AT_ONCE]
            rules = {row.conference_id: row for row in DoorRules.objects.filter(conference_id__in=part)}
            zones = Conference.objects.filter(id__in=part).values_list("id", "time_zone")
            for conference_id, time_zone in zones:
                row = rules.get(conference_id)
                found[conference_id] = Known(time_zone, make_rules(row) if row else None)
        return found
    finally:
        close_old_connections()


class Directory:
    """Remembers conferences, so that the database is asked about each once in FRESH_SECONDS.

    One thread asks the database, for one request at a time while the others wait: clients choose how many ids
    there are.
    load, clock: tests give others.
    """

    def __init__(
        self,
        load: Callable[[Collection[str]], dict[str, Known]] = load_conferences,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # For the caller to look at first: those that exist and have no rules. Sets are compared at once.
        self.plain: set[str] = set()
        self._known: dict[str, Known] = {}
        self._missing: set[str] = set()
        # Not forgotten with the rest: visitors' ids depend on it, with the database away, too.
        self._zones: dict[str, str] = {}
        self._load = load
        self._clock = clock
        self._expires = 0.0
        self._paused_until = 0.0
        self._executor = _make_executor()
        self._lock: asyncio.Lock | None = None

    def forget_stale(self) -> None:
        """Forget all that is older than FRESH_SECONDS, or more than fits. To be called before each look."""
        is_full = len(self._known) + len(self._missing) > _MAX_REMEMBERED
        if is_full or self._clock() >= self._expires:
            self.plain, self._known, self._missing = set(), {}, set()
            self._expires = self._clock() + FRESH_SECONDS

    def get_zone(self, conference_id: str) -> str | None:
        """The conference's time zone; None if it is not known here (yet)."""
        return self._zones.get(conference_id)

    async def look_up(self, ids: Iterable[str]) -> tuple[dict[str, Known], set[str]]:
        """Those of the ids that exist, and those that do not. What could not be looked up is in neither."""
        ids = set(ids)
        unsure = ids - self._known.keys() - self._missing
        if unsure and self._clock() >= self._paused_until:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await self._ask(unsure)
            except TimeoutError:
                pass
        return {found: self._known[found] for found in ids & self._known.keys()}, ids & self._missing

    async def _ask(self, ids: set[str]) -> None:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            ids = ids - self._known.keys() - self._missing  # another request may have asked meanwhile
            if not ids:
                return
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self._executor, self._load, ids)
            except Exception as error:  # of any kind: events are taken all the same
                log.warning("conferences_not_read", error=repr(error))
                self._paused_until = self._clock() + _PAUSE_SECONDS
                return
            if len(self._zones) > _MAX_REMEMBERED:
                self._zones = {}
            self._zones.update((conference_id, known.time_zone) for conference_id, known in found.items())
            self._known.update(found)
            self._missing |= ids - found.keys()
            self.plain |= {conference_id for conference_id, known in found.items() if known.rules is None}

    def close(self) -> None:
        """Close the thread's connection to the database and end the thread; it begins again when needed."""
        executor, self._executor = self._executor, _make_executor()
        executor.submit(connections.close_all)
        executor.shutdown(wait=True)


def _make_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="conferences")
