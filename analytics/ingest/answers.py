"""The answers of the event door, as status, headers and body."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec

from analytics.days.redating import UNCLAIMED_DAYS
from analytics.event_types import EventType
from analytics.events.problems import Notice, Rejection
from meeteasy.core.http import error_body

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),  # otherwise scripts of other origins cannot read it
]
_ALLOWED_HEADERS = (
    b"authorization, content-encoding, content-type, traceparent, tracestate, baggage, sentry-trace, "
    # of Segment's and RudderStack's SDKs, and of Umami's tracker
    b"anonymousid, sentat, x-retry-count, x-umami-cache, x-umami-hostname, x-umami-website-id"
)
_HEADER_NAMES = re.compile(rb"[\w!#$%&'*+.^`|~, \t-]{1,1024}")
_MAX_UNKNOWN_NAMED = 20

_encode = msgspec.json.Encoder().encode


def accepted(events: int, rejected: list[Rejection], notices: list[Notice]) -> Answer:
    if rejected or notices:
        answer: dict[str, Any] = {"accepted": events, "rejected": rejected}
        if notices:
            answer["warnings"] = notices
        body = _encode(answer)
        return 202, _headers(body), body
    return _all_accepted(events)


@lru_cache(maxsize=1024)
def _all_accepted(events: int) -> Answer:
    """Kept, as nearly all answers are such; nobody may change its headers."""
    body = b'{"accepted":%d,"rejected":[]}' % events
    return 202, _headers(body), body


def refused(
    status: int,
    code: str,
    message: str,
    *,
    details: Iterable[Rejection] | None = None,
    retry_after: int | None = None,
) -> Answer:
    body = _encode(error_body(code, message, {"rejected": details} if details else None))
    headers = _headers(body)
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    return status, headers, body


def allow_credentials(headers: Headers, origin: bytes) -> Headers:
    """The headers for a page of `origin` that sends its cookies along, as sendBeacon always does.

    Cookies are not read. But a browser shows such a page no answer that names any origin (`*`).
    """
    own = [header for header in headers if header[0] != b"access-control-allow-origin"]
    return [
        *own,
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
    ]


def preflight(asked: bytes) -> Answer:
    """asked: the headers that the page wants to send (`Access-Control-Request-Headers`).

    All are allowed: monitoring tools add their own to every request of a page, and the events would be lost.
    """
    allowed = b", ".join((_ALLOWED_HEADERS, asked)) if _HEADER_NAMES.fullmatch(asked) else _ALLOWED_HEADERS
    headers = [
        *CORS,
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", b"86400"),
    ]
    return 204, headers, b""


def _headers(body: bytes) -> Headers:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *CORS,
    ]


def places_of(events: Iterable[EventType], rejected: Iterable[Rejection]) -> list[tuple[int, EventType]]:
    """The events that were taken, with their places in the batch. rejected: the batch's other events."""
    not_taken = {rejection.index for rejection in rejected}
    places = (index for index in count() if index not in not_taken)
    return list(zip(places, events, strict=False))


def name_unknown(conference_ids: Collection[str], placed: Iterable[tuple[int, EventType]]) -> list[Notice]:
    """A notice for each conference that does not exist, at its first event in the batch."""
    first: dict[str, int] = {}
    for index, event in placed:
        first.setdefault(event.conference_id, index)
    return [
        Notice(
            first[conference_id],
            "unknown_conference",
            f"No conference has the id `{conference_id}`. Its events wait {UNCLAIMED_DAYS} days for one.",
            "conference_id",
        )
        for conference_id in sorted(conference_ids)[:_MAX_UNKNOWN_NAMED]
    ]
