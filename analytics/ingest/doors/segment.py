"""Segment's HTTP API, which the SDKs of Segment and RudderStack speak, as they really send it.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/

The key comes by Basic authentication, in the body, or both; any content type; one message or a batch. Success
is 200: after 202 or 204 some of them send again. 400, 401 and 413 are final for all, 429 and 503 are not.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from analytics.events.json_values import json_kind
from analytics.events.problems import BatchError, EventError
from analytics.ingest.doors import IGNORED, UNUSED, Answer, Door, Refusal, Sent, Taken, json_answer, register
from analytics.ingest.doors._mapping import add_campaign, make_event, make_page_view, name_visitor
from analytics.ingest.requests import RefusedError, Request
from analytics.ingest.senders import Senders, find_key

_MAX_MESSAGE_BYTES = 32 * 1024
# The last part of a path, and the type of the messages that it takes; a batch's say it themselves.
_TYPES = {
    "batch": "", "b": "", "import": "",
    "track": "track", "t": "track",
    "page": "page", "p": "page",
    "screen": "screen", "s": "screen",
    "identify": "identify", "i": "identify",
    "alias": "alias", "a": "alias",
    "group": "group", "g": "group",
}  # fmt: skip

_encode = msgspec.json.Encoder().encode


@register
class SegmentDoor(Door):
    paths: ClassVar[Sequence[str]] = tuple(f"/v1/{name}" for name in _TYPES)
    max_body_bytes: ClassVar[int | None] = 500 * 1024
    max_events: ClassVar[int | None] = 2_500

    async def translate(self, payload: Any, request: Request, senders: Senders) -> Sent:
        messages = _open(payload)
        key = find_key(request) or _text(_find("writeKey", payload, messages))
        if not key:
            raise RefusedError(401, "key_required", "The write key is missing.")
        sender, conference_id = await senders.identify_by(key)
        kind = _TYPES[request.path.rstrip("/").rpartition("/")[2]]
        events = [_read_message(message, kind, conference_id) for message in messages]
        contexts = [_read_surroundings(message) for message in messages] if sender.is_secret else ()
        return Sent(events, _find("sentAt", payload, messages), sender, contexts)

    def accept(self, taken: Taken) -> Answer:
        answer: dict[str, Any] = {"success": True}
        named = [rejection for rejection in taken.rejected if rejection.code != IGNORED.code]
        if named:
            answer["rejected"] = named
        if taken.notices:
            answer["warnings"] = taken.notices
        return json_answer(200, answer)

    def refuse(self, refusal: Refusal) -> Answer:
        # RudderStack's Python client reads `code` and `message`, and would send again without them.
        answer: dict[str, Any] = {"success": False, "code": refusal.code, "message": refusal.message}
        rejected = [rejection for rejection in refusal.rejected if rejection.code not in UNUSED]
        if rejected:
            answer["rejected"] = rejected
        return json_answer(refusal.status, answer, retry_after=refusal.retry_after)


def _open(payload: Any) -> list[Any]:
    """The messages of a batch, or the one. Raises BatchError."""
    if not isinstance(payload, dict):
        raise BatchError("no_events", f"The body must be an object, not {json_kind(payload)}.")
    if "batch" not in payload:
        return [payload]
    if not isinstance(payload["batch"], list):
        raise BatchError("no_events", f"`batch` must be an array, not {json_kind(payload['batch'])}.")
    return payload["batch"]


def _find(name: str, payload: dict[str, Any], messages: list[Any]) -> Any:
    """What the body says, else the first message that says it: all were sent together."""
    said = (each.get(name) for each in (payload, *messages) if isinstance(each, dict))
    return next((value for value in said if value), None)


def _read_message(message: Any, kind: str, conference_id: str) -> Any:
    """The event that a message is, or an EventError that says why it is none."""
    if not isinstance(message, dict):
        return EventError("not_an_object", f"A message must be an object, not {json_kind(message)}.")
    if _size_of(message) > _MAX_MESSAGE_BYTES:
        return EventError("too_large", f"A message may have at most {_MAX_MESSAGE_BYTES} bytes.")
    kind = kind or _text(message.get("type"))
    if kind in ("identify", "alias", "group"):
        return IGNORED  # names and traits of people, which are never stored
    if kind not in ("track", "page", "screen"):
        return EventError(
            "unknown_type", "`type` is none of track, page, screen, identify, alias, group.", "type"
        )
    context = _object(message.get("context"))
    page = _object(context.get("page"))
    page = {**page, "url": add_campaign(page.get("url"), context.get("campaign"))}
    common = {
        "conference_id": conference_id,
        "event_id": message.get("messageId") or None,
        "visitor_id": name_visitor(message.get("anonymousId")) or name_visitor(message.get("userId")),
        "ts": message.get("originalTimestamp") or message.get("timestamp") or None,
    }
    if kind == "track":
        return make_event(message.get("event"), message.get("properties"), common, page)
    properties = dict(_object(message.get("properties")))
    if isinstance(message.get("name"), str):
        properties.setdefault("name", message["name"])
    if isinstance(properties.get("url"), str):
        properties["url"] = add_campaign(properties["url"], context.get("campaign"))
    return make_page_view(properties, common, page)


def _read_surroundings(message: Any) -> Any:
    """What a server says of the visitor, as our own `context` has it."""
    context = _object(_object(message).get("context"))
    location = _object(context.get("location"))
    return {
        "user_agent": context.get("userAgent"),
        "ip": context.get("ip"),
        "country": location.get("country"),
    }


def _size_of(message: dict[str, Any]) -> int:
    """In bytes; 0 for what cannot be written, which is judged field by field."""
    try:
        return len(_encode(message))
    except (UnicodeEncodeError, RecursionError, OverflowError, msgspec.MsgspecError):
        return 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
