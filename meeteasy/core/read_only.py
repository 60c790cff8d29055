"""Read-only mode, for the minutes of an upgrade: reads are answered, writes get 503 with Retry-After.

Events go on into the stream: their door does not pass through here, and needs no database.
"""

import time
from collections.abc import Callable

import redis
from django.http import HttpRequest, HttpResponse, JsonResponse

from meeteasy.core.errors import error_body
from meeteasy.core.redis import get_quick_redis

_KEY = "read_only"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_RETRY_AFTER_SECONDS = 30
# How long a process goes by what it has read last.
_KNOWN_SECONDS = 1.0
_MESSAGE = "The system is being upgraded and takes no changes at the moment. Send the request again."


def turn_on() -> None:
    get_quick_redis().set(_KEY, int(time.time()))


def turn_off() -> None:
    get_quick_redis().delete(_KEY)


def read_since() -> int | None:
    """Since when it is on, in seconds of the epoch; None: it is off. Raises redis.RedisError."""
    since = get_quick_redis().get(_KEY)
    return None if since is None else int(since)


def refuse_writes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Without Redis nothing is known of it, and writes are taken."""
    is_on, known_until = False, 0.0

    def middleware(request: HttpRequest) -> HttpResponse:
        nonlocal is_on, known_until
        if request.method in _READING:
            return get_response(request)
        if time.monotonic() >= known_until:
            try:
                is_on = read_since() is not None
            except redis.RedisError:
                is_on = False
            known_until = time.monotonic() + _KNOWN_SECONDS
        return _refuse(request) if is_on else get_response(request)

    return middleware


def _refuse(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        answer: HttpResponse = JsonResponse(error_body("read_only", _MESSAGE), status=503)
    else:
        answer = HttpResponse(_MESSAGE, status=503, content_type="text/plain; charset=utf-8")
    answer["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return answer
