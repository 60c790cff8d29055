"""`/healthz`: this process runs. `/readyz`: what it depends on answers, and beat is not silent."""

import time
from typing import Any

import redis
from django.db import connections
from django.http import HttpRequest, JsonResponse

from meeteasy.redis_clients import get_quick_redis

_BEAT_KEY = "beat:last_tick"
# The most frequent entries of the schedule come every 5 seconds.
BEAT_SILENT_SECONDS = 60


def note_beat() -> None:
    """Called by a task that only beat sends often: proof that beat, broker and a worker work together."""
    get_quick_redis().set(_BEAT_KEY, int(time.time()))


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while a database or Redis cannot be reached. A silent beat is reported as a warning only: web
    processes serve without it, and taking them out of rotation would help nobody."""
    checks: dict[str, str] = {}
    for alias in connections:
        try:
            connections[alias].ensure_connection()
            if connections[alias].vendor == "mongodb":
                connection: Any = connections[alias]  # the backend's own class
                connection.database.command("ping")
            else:
                with connections[alias].cursor() as cursor:
                    cursor.execute("SELECT 1")
            checks[f"database:{alias}"] = "ok"
        except Exception as error:
            checks[f"database:{alias}"] = type(error).__name__
    warnings: dict[str, str] = {}
    try:
        last = get_quick_redis().get(_BEAT_KEY)
        checks["redis"] = "ok"
        silent = None if last is None else int(time.time()) - int(last)
        if silent is None:
            warnings["beat"] = "has not ticked yet"
        elif silent > BEAT_SILENT_SECONDS:
            warnings["beat"] = f"silent for {silent} s"
    except redis.RedisError as error:
        checks["redis"] = type(error).__name__
    ready = all(value == "ok" for value in checks.values())
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": checks, "warnings": warnings},
        status=200 if ready else 503,
    )
