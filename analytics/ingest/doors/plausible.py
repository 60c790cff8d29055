"""Plausible's `POST /api/event`, which its tracker speaks.

https://plausible.io/docs/events-api

    {"n": "pageview", "u": "https://example.org/agenda", "d": "example.org", "r": null, "p": {…}}

The domain is an alias of a conference. Its events have neither ids nor visitors: the server gives both.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from analytics.events.json_values import json_kind
from analytics.events.problems import BatchError, EventError
from analytics.events.validation import read_json
from analytics.ingest.doors import IGNORED, Answer, Door, Refusal, Sent, Taken, json_answer, register
from analytics.ingest.doors._mapping import make_event
from analytics.ingest.requests import Request
from analytics.ingest.senders import Senders, find_key
from conferences.aliases import normalise_domain

# A page may be of several sites, `d: "a.example,b.example"`.
_MAX_DOMAINS = 10
# What the tracker sends on its own account: how long a page was looked at.
_IGNORED_NAME = "engagement"


@register
class PlausibleDoor(Door):
    paths: ClassVar[Sequence[str]] = ("/api/event",)
    max_body_bytes: ClassVar[int | None] = 64 * 1024

    async def translate(self, payload: Any, request: Request, senders: Senders) -> Sent:
        if not isinstance(payload, dict):
            raise BatchError("no_events", f"The body must be an object, not {json_kind(payload)}.")
        url = _first(payload, "u", "url")
        if not isinstance(url, str):
            problem = "is required" if url is None else "must be a string"
            return Sent([EventError("invalid_field", problem, "url")])
        name = _first(payload, "n", "name")
        domains = _first(payload, "d", "domain")
        given = domains.split(",")[:_MAX_DOMAINS] if isinstance(domains, str) else [_host_of(url)]
        sender = await senders.identify(find_key(request))
        events: list[Any] = []
        for text in given:
            domain = normalise_domain(text)
            conference_id = domain and await senders.find_site(domain)
            if not conference_id:
                events.append(EventError("unknown_domain", "is no verified alias of a conference", "domain"))
            elif name == _IGNORED_NAME:
                events.append(IGNORED)
            else:
                events.append(_read_event(payload, name, url, conference_id))
        return Sent(events, None, sender)

    def accept(self, taken: Taken) -> Answer:
        dropped = len(taken.rejected)
        headers = [(b"x-plausible-dropped", b"%d" % dropped)] if dropped else []
        return json_answer(202, "ok", headers=headers)

    def refuse(self, refusal: Refusal) -> Answer:
        found = [(each.field or "request", each.message) for each in refusal.rejected]
        errors: dict[str, list[str]] = {}
        for field, message in found or [("request", refusal.message)]:
            errors.setdefault(field, []).append(message)
        return json_answer(refusal.status, {"errors": errors}, retry_after=refusal.retry_after)


def _read_event(payload: dict[str, Any], name: Any, url: str, conference_id: str) -> Any:
    page = {"url": url, "referrer": _first(payload, "r", "referrer"), "path": _page_of(url, payload)}
    return make_event(name, _read_props(payload), {"conference_id": conference_id}, page)


def _read_props(payload: dict[str, Any]) -> dict[str, Any]:
    """The properties, which older trackers send as JSON in a text. What cannot be read is left out."""
    given = _first(payload, "m", "meta", "p", "props")
    if isinstance(given, str):
        try:
            given = read_json(given.encode("utf-8", "surrogatepass"))
        except BatchError:
            given = None
    return given if isinstance(given, dict) else {}


def _page_of(url: str, payload: dict[str, Any]) -> str:
    """The path, with the fragment where the site routes by that."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    is_by_hash = _first(payload, "h", "hashMode") in (1, True) and parts.fragment
    return f"{parts.path or '/'}#{parts.fragment}" if is_by_hash else parts.path or "/"


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _first(payload: dict[str, Any], *names: str) -> Any:
    return next((payload[name] for name in names if payload.get(name) is not None), None)
