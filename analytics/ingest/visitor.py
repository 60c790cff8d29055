"""A visitor id for clients that send none: no cookie, and no address is kept.

HMAC of (the day's secret salt, conference, IP address, user agent). The salt lives in Redis, shared by all
web processes, and is gone an hour after its UTC day: from then on the address behind an id cannot be found,
not even by us. The address itself is never stored.
"""

import datetime as dt
import hmac
import secrets

from redis.asyncio import Redis

_PREFIX = "ingest:salt:"


class DailySalts:
    """The salts of today and tomorrow, so that the next one is loaded before midnight."""

    def __init__(self) -> None:
        self._by_date: dict[dt.date, bytes] = {}

    async def load(self, redis: "Redis", today: dt.date) -> None:
        """Fetch missing salts and forget past ones; the first process that asks creates the day's salt."""
        days = (today, today + dt.timedelta(days=1))
        for day in days:
            if day not in self._by_date:
                end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(1), dt.UTC)
                key = f"{_PREFIX}{day.isoformat()}"
                await redis.set(key, secrets.token_bytes(32), nx=True, exat=int(end.timestamp()))
                salt = await redis.get(key)
                if isinstance(salt, bytes):
                    self._by_date[day] = salt
        self._by_date = {day: salt for day, salt in self._by_date.items() if day in days}

    def visitor_id(self, today: dt.date, conference_id: str, address: str, user_agent: str) -> str | None:
        """32 hex characters; None while the salt is not loaded."""
        salt = self._by_date.get(today)
        if salt is None:
            return None
        message = "\0".join((conference_id, address, user_agent)).encode("utf-8", "surrogatepass")
        return hmac.digest(salt, message, "sha256").hex()[:32]
