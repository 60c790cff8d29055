"""Logging and throttling of failed sign-ins, by account and by address.

Only failures count. The limit of an account alone is generous, because anybody can fail at it; its limit for
one address is strict. While Redis is away nobody is throttled.
"""

from collections.abc import Callable
from typing import Any

import redis
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis
from meeteasy.core.salts import client_network

log = get_logger(__name__)

WINDOW_SECONDS = 15 * 60
# Failures within the window: of an account from one address, of an account, and of an address.
LIMITS = {"both": 5, "account": 50, "address": 50}


class ThrottledBackend(ModelBackend):
    """Does not check the password after too many failures."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        if request is not None and username is not None and _is_blocked(request, username):
            request.login_blocked = True  # type: ignore[attr-defined]
            raise PermissionDenied
        return super().authenticate(request, username=username, password=password, **kwargs)


class LoginThrottleMiddleware:
    """Answers 429 instead of the form, which would only say that the password is wrong."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if getattr(request, "login_blocked", False):
            response = render(request, "429.html", status=429)
            response["Retry-After"] = str(WINDOW_SECONDS)
        return response


def note_failure(request: HttpRequest, username: str) -> None:
    """Log a failed sign-in and count it, unless it was blocked."""
    blocked = getattr(request, "login_blocked", False)
    log.warning("login_failed", account=username[:150], address=_address(request), blocked=blocked)
    if blocked:
        return
    try:
        pipeline = get_quick_redis().pipeline()
        for key in _keys(request, username).values():
            pipeline.incr(key)
            pipeline.expire(key, WINDOW_SECONDS)
        pipeline.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("throttle_unavailable", error=str(error))


def forget_failures(request: HttpRequest, username: str) -> None:
    """Forget the account's failures from this address."""
    try:
        get_quick_redis().delete(_keys(request, username)["both"])
    except (redis.RedisError, OSError) as error:
        log.warning("throttle_unavailable", error=str(error))


def _is_blocked(request: HttpRequest, username: str) -> bool:
    keys = _keys(request, username)
    try:
        pipeline = get_quick_redis().pipeline()
        pipeline.mget(keys.values())
        for key in keys.values():
            pipeline.pttl(key)
        counts, *left = pipeline.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("throttle_unavailable", error=str(error))
        return False
    return any(
        int(count or 0) >= LIMITS[name]
        for name, count, milliseconds in zip(keys, counts, left, strict=True)
        if milliseconds <= WINDOW_SECONDS * 1000  # more: it was counted before the clock was set back
    )


def _keys(request: HttpRequest, username: str) -> dict[str, str]:
    """Return Redis keys by the names of LIMITS. They are keyed hashes, so no name or address is on disk."""
    account, address = username.strip().lower(), _address(request)
    parts = {"both": f"{account}\n{address}", "account": account, "address": address}
    return {
        name: f"login:{name}:{salted_hmac('login', part, algorithm='sha256').hexdigest()[:32]}"
        for name, part in parts.items()
    }


def _address(request: HttpRequest) -> str:
    """What counts as one client: of IPv6 a whole line, which has 2^64 addresses to try from."""
    return client_network(str(request.META.get("REMOTE_ADDR", "")))
