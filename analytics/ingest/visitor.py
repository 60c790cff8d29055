"""The salts of the dates in use, loaded by the event door without blocking (meeteasy/core/salts.py)."""

import datetime as dt

from redis.asyncio import Redis

from meeteasy.core import salts


class DailySalts:
    """The salts that are needed now. `load` is called every moment, so that the next one is there in time."""

    def __init__(self) -> None:
        self._by_date: dict[dt.date, bytes] = {}

    async def load(self, redis: "Redis", now: dt.datetime) -> None:
        """Fetch missing salts and forget past ones; the first process that asks creates a date's salt."""
        dates = salts.dates_in_use(now)
        for date in dates:
            if date not in self._by_date:
                left = max(1, salts.seconds_left(date, now))
                await redis.set(salts.key(date), salts.new_salt(), nx=True, ex=left)
                salt = await redis.get(salts.key(date))
                if isinstance(salt, bytes):
                    self._by_date[date] = salt
        for date in [date for date in self._by_date if date not in dates]:
            del self._by_date[date]

    def get(self, date: dt.date) -> bytes | None:
        """None while it is not loaded."""
        return self._by_date.get(date)
