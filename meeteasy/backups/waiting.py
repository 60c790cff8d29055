"""The part of Redis that nothing else holds: events that wait to be stored, and what quotas have admitted.

The salts behind anonymous ids are left out: a copy would outlive their date. So visitors without an id of
their own are new ones for the rest of the day of a restore. All else is hints, which sweeps send again, and
caches.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from analytics.stream.queue import STREAM
from meeteasy.backups.manifest import BackupError
from meeteasy.core.redis import get_redis

_ENTRIES_AT_ONCE = 200
# Reports that were admitted to a quota (analytics/reactions/quota.py).
_KEYS = "reports:*"


def copy_waiting(path: Path) -> int:
    """Write them to a file; returns the number of entries of the stream.

    An entry that is stored and deleted meanwhile is in the database by the time that is copied.
    """
    redis: Any = get_redis()
    entries = 0
    with path.open("wb") as file:
        after = "-"
        while page := redis.xrange(STREAM, min=after, count=_ENTRIES_AT_ONCE):
            for entry_id, fields in page:
                _write(file, ["entry", entry_id, fields])
            entries += len(page)
            after = "(" + page[-1][0].decode()
        for key in redis.scan_iter(match=_KEYS, count=1_000):
            value, left_ms = redis.dump(key), redis.pttl(key)
            if value is not None and left_ms > 0:
                _write(file, ["key", key, left_ms, value])
    return entries


def check_nothing_waits() -> None:
    """Raises BackupError if this Redis has events of another installation."""
    if get_redis().exists(STREAM):
        raise BackupError(f"this Redis has events already ({STREAM}); restore needs an empty one")


def put_back(path: Path) -> int:
    """Returns the number of entries. Their ids stay: a later one is still later."""
    redis: Any = get_redis()
    entries = 0
    for record in _read(path):
        if record[0] == "entry":
            redis.xadd(STREAM, record[2], id=record[1])
            entries += 1
        else:
            redis.restore(record[1], record[2], record[3], replace=True)
    return entries


def _write(file: Any, record: list[Any]) -> None:
    data = msgspec.msgpack.encode(record)
    file.write(len(data).to_bytes(4) + data)


def _read(path: Path) -> Iterator[list[Any]]:
    with path.open("rb") as file:
        while length := file.read(4):
            yield msgspec.msgpack.decode(file.read(int.from_bytes(length)))
