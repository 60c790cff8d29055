"""Limits of requests for password mails: by address of the client, and by the mail address.

The form sends mail to people who may not have asked for it. While Redis is away nothing is sent.
"""

import redis
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis

log = get_logger(__name__)

WINDOW_SECONDS = 3600
LIMITS = {"mail": 3, "client": 20}


def allow(request: HttpRequest, email: str) -> bool:
    """Count a request and return whether it may send a mail."""
    parts = {"mail": email.lower(), "client": str(request.META.get("REMOTE_ADDR", ""))}
    try:
        pipeline = get_quick_redis().pipeline()
        for name, part in parts.items():
            digest = salted_hmac("password-reset", part, algorithm="sha256").hexdigest()[:32]
            key = f"reset:{name}:{digest}"
            pipeline.incr(key)
            pipeline.expire(key, WINDOW_SECONDS)
        counts = pipeline.execute()[::2]
    except (redis.RedisError, OSError) as error:
        log.warning("reset_limit_unavailable", error=str(error))
        return False
    return all(count <= LIMITS[name] for name, count in zip(parts, counts, strict=True))
