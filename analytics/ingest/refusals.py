"""How many events and requests were refused, by conference and reason, for organizers and /metrics."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

from analytics.ingest.exchange import Command
from meeteasy.core.redis import get_quick_redis

_TOTALS = "ingest:refused"
_KEEP_DAYS = 8
# Of one process between two flushes; all beyond are counted without their conference.
_MAX_COUNTED = 1_000


def _key(date: dt.date) -> str:
    return f"{_TOTALS}:{date.isoformat()}"


class Refusals:
    """Counts in the process; `commands` sends what was counted along with other commands to Redis."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, reason: str, *, conference_id: str = "", count: int = 1) -> None:
        """conference_id: of one that exists; "" where none is concerned."""
        if len(self._counts) >= _MAX_COUNTED and (conference_id, reason) not in self._counts:
            conference_id = ""
        self._counts[conference_id, reason] += count

    def add_all(self, reasons: Iterable[str]) -> None:
        for reason in reasons:
            self.add(reason)

    def commands(self, now: dt.datetime) -> list[Command]:
        """Commands that add the counts to those in Redis; they are forgotten here."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return []
        key = _key(now.date()).encode()
        commands: list[Command] = [(b"EXPIRE", key, _KEEP_DAYS * 86_400)]
        by_reason: Counter[str] = Counter()
        for (conference_id, reason), count in counts.items():
            by_reason[reason] += count
            if conference_id:
                commands.insert(0, (b"HINCRBY", key, f"{reason}/{conference_id}".encode(), count))
        for reason, count in by_reason.items():
            commands.append((b"HINCRBY", _TOTALS.encode(), reason.encode(), count))
        return commands

    def take(self, replies: list[Any]) -> None:
        """Nothing to do with the replies."""


def read_totals() -> dict[str, int]:
    """All refusals by reason, of all processes since Redis was set up. Raises RedisError."""
    found = get_quick_redis().hgetall(_TOTALS)
    return {reason.decode(): int(count) for reason, count in found.items()}  # type: ignore[union-attr]


def read_days(conference_id: str, *, today: dt.date) -> dict[str, dict[str, int]]:
    """A conference's refusals of the last seven UTC days: by date, then by reason. Raises RedisError."""
    dates = [today - dt.timedelta(days=days) for days in range(7)]
    pipeline = get_quick_redis().pipeline(transaction=False)
    for date in dates:
        pipeline.hgetall(_key(date))
    days: dict[str, dict[str, int]] = {}
    for date, found in zip(dates, pipeline.execute(), strict=True):
        for field, count in found.items():
            reason, _, of = field.decode().partition("/")
            if of == conference_id:
                days.setdefault(date.isoformat(), {})[reason] = int(count)
    return days
