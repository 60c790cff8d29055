"""`/healthz`: this process runs. `/readyz`: its dependencies answer, and beat is not silent."""

import shutil
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, JsonResponse

from meeteasy.core import heartbeats
from meeteasy.core.redis import get_quick_redis, read_clock

_BEAT_KEY = "beat:last_tick"
# With less free space than this in DATA_DIR, stores begin to refuse writes.
DISK_FULL_BYTES = 4 * 1024 * 1024
# The most frequent entries of the schedule run every 5 seconds.
BEAT_SILENT_SECONDS = 60


def note_beat() -> None:
    """Note that beat, broker and a worker work together. A task that only beat sends often calls this."""
    client = get_quick_redis()
    client.set(_BEAT_KEY, int(read_clock(client)))


def read_beat_age() -> int | None:
    """Return the seconds since beat's last tick, None before the first, as ages of heartbeats are read.
    Raises redis.RedisError."""
    client = get_quick_redis()
    last = client.get(_BEAT_KEY)
    return None if last is None else abs(int(read_clock(client)) - int(last))


def dependencies() -> list[str]:
    """List what `check` can check: `redis`, and `database:ALIAS` for each database."""
    return ["redis", *(f"database:{alias}" for alias in connections)]


def check(dependency: str) -> str:
    """Return `ok`, or the name of the error if it does not answer."""
    try:
        if dependency == "redis":
            get_quick_redis().ping()
        else:
            _ask_database(dependency.removeprefix("database:"))
    except Exception as error:
        return type(error).__name__
    return "ok"


def _ask_database(alias: str) -> None:
    connection: Any = connections[alias]
    connection.ensure_connection()
    if connection.vendor == "mongodb":
        connection.database.command("ping")  # of the backend's own class
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while a database or Redis cannot be reached, or the disk is full.

    Silent queues and a silent beat are only warnings: web processes serve without them, and taking those out
    of rotation would not help.
    """
    checks = {dependency: check(dependency) for dependency in dependencies()}
    if shutil.disk_usage(settings.DATA_DIR).free < DISK_FULL_BYTES:
        checks["disk"] = "full"
    warnings: dict[str, str] = {}
    if checks["redis"] == "ok":
        try:
            silent = read_beat_age()
            warnings |= heartbeats.find_silent()
        except redis.RedisError as error:
            checks["redis"] = type(error).__name__
        else:
            if silent is None:
                warnings["beat"] = "has not ticked yet"
            elif silent > BEAT_SILENT_SECONDS:
                warnings["beat"] = f"silent for {silent} s"
    ready = all(value == "ok" for value in checks.values())
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": checks, "warnings": warnings},
        status=200 if ready else 503,
    )
