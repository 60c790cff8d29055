"""Secret salts, one per calendar date, for the ids of visitors who send none and for the keys of limits.

A salt lives in Redis, for all processes, from the moment its date begins anywhere until it has ended
everywhere: 50 hours. Then the salt is deleted and Redis' append-only file is rewritten
(meeteasy/core/forgetting.py). From then on nobody can find the address behind an id, not even with the whole
disk.
"""

import datetime as dt
import hmac
import ipaddress
import secrets
from functools import lru_cache

from meeteasy.core.redis import get_quick_redis

_PREFIX = "salt:"
# From UTC-12 to UTC+14. The next date's salt is made a little before the date begins.
_WEST = dt.timedelta(hours=12)
_EAST = dt.timedelta(hours=14)
_EARLY = dt.timedelta(minutes=10)


def dates_in_use(now: dt.datetime) -> list[dt.date]:
    """Return the dates that clocks show anywhere at `now`, and the next one shortly before it begins."""
    now = now.astimezone(dt.UTC)
    first, last = (now - _WEST).date(), (now + _EAST + _EARLY).date()
    return [first + dt.timedelta(days=days) for days in range((last - first).days + 1)]


def ends_at(date: dt.date) -> dt.datetime:
    """Return the moment when the date has ended everywhere."""
    return dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), dt.UTC) + _WEST


def key(date: dt.date) -> str:
    return f"{_PREFIX}{date.isoformat()}"


def new_salt() -> bytes:
    return secrets.token_bytes(32)


def seconds_left(date: dt.date, now: dt.datetime) -> int:
    """Return for how long a salt that is made now is kept; 0: the date has ended everywhere.

    A duration, not a moment: if Redis' clock is days fast, such a moment has passed there, and the salt would
    be gone at once.
    """
    return max(0, int((ends_at(date) - now).total_seconds()))


def get_salt(date: dt.date) -> bytes:
    """Return the salt of a date in use. The first caller makes it. Raises RedisError or ValueError."""
    redis = get_quick_redis()
    found = redis.get(key(date))
    if found is None and (left := seconds_left(date, dt.datetime.now(dt.UTC))):
        redis.set(key(date), new_salt(), nx=True, ex=left)
        found = redis.get(key(date))
    if not isinstance(found, bytes):
        raise ValueError(f"{date} has ended everywhere")
    return found


def make_visitor_id(salt: bytes, *, conference_id: str, address: str, user_agent: str) -> str:
    """Make 32 hex characters for a visitor without id: the same for a date, a conference and a browser."""
    return _digest(salt, conference_id, plain_address(address), user_agent)[:32]


def hash_address(salt: bytes, address: str) -> str:
    """Return 16 hex characters that stand for a client in keys and logs."""
    return _digest(salt, client_network(address))[:16]


def _digest(salt: bytes, *parts: str) -> str:
    return hmac.digest(salt, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()


@lru_cache(maxsize=4096)
def plain_address(address: str) -> str:
    """Return the canonical spelling of an address. An IPv4-mapped IPv6 address becomes the IPv4 address.

    Some proxies write the port behind it: `203.0.113.7:4711`, `[2001:db8::1]:4711`.
    """
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:  # no address, as with a Unix socket
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


@lru_cache(maxsize=4096)
def client_network(address: str) -> str:
    """Return what a limit counts as one client: an IPv4 address, or a line's 64-bit IPv6 prefix."""
    plain = plain_address(address)
    try:
        return str(ipaddress.IPv6Network((plain, 64), strict=False))
    except ValueError:
        return plain
