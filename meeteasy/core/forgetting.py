"""Removes deleted data from the disk: from Redis' append-only file and SQLite's write-ahead log.

A deletion is appended to such a file like any other change, so the deleted bytes stay in it until it is
rewritten. Code that deletes data for good calls `request_rewrite`; beat's next tick rewrites the files.
"""

import datetime as dt
import time
import uuid

import redis
from django.db import connections

from meeteasy.core import salts
from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis, get_redis

log = get_logger(__name__)

_WANTED = "forgetting:wanted"
_SALTS_UNTIL = "forgetting:salts_until"
# How many dates back salts are looked for, because beat may have been down.
_DATES_BACK = 30
_WAIT_SECONDS = 20.0


def request_rewrite() -> None:
    """Have Redis' and SQLite's files rewritten soon, after data was deleted for good.

    While Redis is away the request is lost. The files are then rewritten when the next salt ends, within a
    day.
    """
    try:
        get_quick_redis().set(_WANTED, uuid.uuid4().hex)
    except (redis.RedisError, OSError) as error:
        log.warning("rewrite_not_requested", error=str(error))


def forget(*, now: dt.datetime | None = None) -> bool:
    """Delete ended salts. Rewrite the files if there was one or `request_rewrite` was called.

    Returns whether the files were rewritten. May be repeated and interrupted: it marks the request as done
    last.
    """
    client = get_redis()
    now = now or dt.datetime.now(dt.UTC)
    first_in_use = salts.dates_in_use(now)[0]
    until = client.get(_SALTS_UNTIL)
    wanted = client.get(_WANTED)
    if until == first_in_use.isoformat().encode() and wanted is None:
        return False
    ended = [first_in_use - dt.timedelta(days=days) for days in range(1, _DATES_BACK + 1)]
    client.delete(*(salts.key(date) for date in ended))
    _truncate_write_ahead_logs()
    if not _rewrite_append_only_file(client):
        return False
    client.set(_SALTS_UNTIL, first_in_use.isoformat())
    if wanted is not None and client.get(_WANTED) == wanted:  # nothing was deleted meanwhile
        client.delete(_WANTED)
    log.info("deleted_data_forgotten")
    return True


def _rewrite_append_only_file(client: redis.Redis) -> bool:
    """Rewrite the file and wait for it. Returns whether it is done."""
    if not client.info("persistence").get("aof_enabled"):
        return True
    try:
        client.bgrewriteaof()
    except redis.ResponseError as error:  # one is under way already, or a hosted Redis does not allow it
        log.warning("append_only_file_not_rewritten", error=str(error))
        return False
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        state = client.info("persistence")
        if not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]):
            return bool(state["aof_last_bgrewrite_status"] == "ok")
        time.sleep(0.05)
    return False


def _truncate_write_ahead_logs() -> None:
    """Empty SQLite's logs. It overwrites deleted data only in the database (settings: secure_delete)."""
    for connection in connections.all():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
