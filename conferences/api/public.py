"""Helpers of the public endpoints, which need no account, allow any origin and limit size and rate."""

import zoneinfo
from typing import IO, Any

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from conferences.models import Conference
from meeteasy.core import salts
from meeteasy.core.errors import RefusedError
from meeteasy.core.json_input import read_tolerantly
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}


class SmallJSONParser(BaseParser):
    """JSON parser that limits the size of the body.

    Half an emoji in an answer costs that answer, and not the registration.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError("too_large", f"The body has more than {MAX_BODY_BYTES} bytes.", status=413)
        try:
            return read_tolerantly(body)
        except ValueError as error:
            raise ParseError(str(error)) from None


class RegistrationThrottle(SimpleRateThrottle):
    """Limit of REGISTRATION_RATE_PER_MINUTE per client address, counted in Redis for all web processes.

    There is no limit while Redis is down: a registration must not fail because requests cannot be counted.
    """

    scope = "registrations"

    def get_rate(self) -> str | None:
        per_minute = settings.REGISTRATION_RATE_PER_MINUTE
        return f"{per_minute}/min" if per_minute else None

    def get_cache_key(self, request: Request, view: APIView) -> str:
        # Not DRF's get_ident: it believes X-Forwarded-For, which anyone can write. The server sets
        # REMOTE_ADDR from a proxy that it trusts. Redis writes keys to disk, so it gets no address.
        salt = salts.get_salt(timezone.now().date())
        ident = salts.hash_address(salt, request.META.get("REMOTE_ADDR", ""))
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except (redis.RedisError, OSError) as error:
            log.warning("throttle_unavailable", error=str(error))
            return True

    def throttle_failure(self) -> bool:
        # A request of the future was counted before the clock was set back.
        if self.history[0] > self.now + self.duration:  # type: ignore[attr-defined]
            self.history = []
            return bool(self.throttle_success())
        return False


def make_visitor_id(request: HttpRequest, conference: Conference) -> str:
    """Return the id that event ingestion gives a visitor without one, so that both see the same person.

    Returns "" while Redis is down: a registration must not fail because a visitor cannot be identified.
    """
    now = timezone.now()
    try:
        salt = salts.get_salt(now.astimezone(zoneinfo.ZoneInfo(conference.time_zone)).date())
    except (redis.RedisError, OSError, ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
        log.warning("visitor_id_not_made", error=str(error))
        return ""
    return salts.make_visitor_id(
        salt,
        conference_id=conference.id,
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )
