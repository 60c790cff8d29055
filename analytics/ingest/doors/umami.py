"""Umami's `POST /api/send`, which its tracker speaks.

https://umami.is/docs/api/sending-stats

    {"type": "event", "payload": {"website": "<uuid>", "hostname": "example.org", "url": "/agenda", …}}

The website's id is an alias of a conference. A payload with a name is a custom event, else a page view.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

from analytics.events.json_values import json_kind
from analytics.events.problems import BatchError, EventError
from analytics.ingest.doors import IGNORED, Answer, Door, Refusal, Sent, Taken, json_answer, register
from analytics.ingest.doors._mapping import make_event, make_page_view, name_visitor
from analytics.ingest.requests import Request
from analytics.ingest.senders import Senders, find_key
from conferences.aliases import normalise_website

_CODES = {400: "bad-request", 401: "unauthorized", 403: "forbidden", 405: "method-not-allowed",
          413: "payload-too-large", 429: "too-many-requests", 503: "service-unavailable"}  # fmt: skip


@register
class UmamiDoor(Door):
    paths: ClassVar[Sequence[str]] = ("/api/send",)
    max_body_bytes: ClassVar[int | None] = 64 * 1024

    async def translate(self, payload: Any, request: Request, senders: Senders) -> Sent:
        inner = payload.get("payload") if isinstance(payload, dict) else None
        if not isinstance(inner, dict):
            raise BatchError("no_events", f"`payload` must be an object, not {json_kind(inner)}.")
        kind = payload.get("type")
        if not isinstance(kind, str):
            raise BatchError("no_events", "`type` is missing.")
        website = inner.get("website")
        name = normalise_website(website) if isinstance(website, str) else None
        conference_id = name and await senders.find_site(name)
        if not conference_id:
            raise BatchError("unknown_website", "Website not found.")
        sender = await senders.identify(find_key(request))
        # Its other types are names of users, and what the page cost to load.
        event = _read_event(inner, conference_id) if kind == "event" else IGNORED
        return Sent([event], None, sender)

    def accept(self, taken: Taken) -> Answer:
        # The tracker sends `cache` back with its next event. Nothing of ours needs it.
        session = str(uuid.UUID(bytes=hashlib.blake2b(taken.visitor_id.encode(), digest_size=16).digest()))
        answer: dict[str, Any] = {"cache": session, "sessionId": session, "visitId": session}
        named = [rejection for rejection in taken.rejected if rejection.code != IGNORED.code]
        if named:
            answer["rejected"] = named
        return json_answer(200, answer)

    def refuse(self, refusal: Refusal) -> Answer:
        message = refusal.rejected[0].message if refusal.rejected else refusal.message
        code = _CODES.get(refusal.status, "bad-request")
        error = {"message": message, "code": code, "status": refusal.status}
        return json_answer(refusal.status, {"error": error}, retry_after=refusal.retry_after)


def _read_event(payload: dict[str, Any], conference_id: str) -> Any:
    if not isinstance(payload.get("url"), str | None):
        return EventError("invalid_field", "`url` must be a string.", "url")
    hostname = payload.get("hostname")
    base = f"https://{hostname}" if isinstance(hostname, str) and hostname else ""
    given = payload.get("url") or "/"
    url = _resolve(base, given) or given  # servers may leave the hostname out
    page = {
        "url": url,
        "path": _page_of(url),
        "referrer": _resolve("", payload.get("referrer")),
        "title": _decode(payload.get("title")),
    }
    common = {
        "conference_id": conference_id,
        "visitor_id": name_visitor(payload.get("id")) or name_visitor(payload.get("vid")),
        "ts": _to_ms(payload.get("timestamp")),
    }
    if payload.get("name") in (None, ""):
        return make_page_view({}, common, page)
    return make_event(payload["name"], payload.get("data"), common, page)


def _resolve(base: str, address: Any) -> str:
    """The whole address. A referrer that is only a path is a page of the same site, which is none."""
    if not isinstance(address, str) or (not base and address.startswith("/")):
        return ""
    if base and address.startswith("/"):
        return base + address  # a path, also if it is `//agenda`
    try:
        return urljoin(base, address)
    except ValueError:
        return ""


def _to_ms(seconds: Any) -> Any:
    """When the event happened as a server says it: whole seconds since 1970, as a text, too."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 20:
        seconds = int(seconds)
    return seconds * 1000 if type(seconds) is int else seconds


def _decode(title: Any) -> Any:
    """Version 2 of the tracker sends the title percent-encoded."""
    return unquote(title) if isinstance(title, str) and "%" in title else title


def _page_of(url: str) -> str:
    """The path and the fragment, as Umami has it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    return f"{parts.path or '/'}{'#' if parts.fragment else ''}{parts.fragment}"
