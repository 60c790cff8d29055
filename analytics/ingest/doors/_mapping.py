"""What other tools' events are in our terms. docs/doors.md shows these tables; a test compares them."""

import hashlib
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from analytics.event_types import EVENT_TYPES
from analytics.event_types._base import COMMON_FIELDS
from analytics.events.json_values import as_whole, shorten
from analytics.events.problems import EventError
from meeteasy.core.identifiers import PLACEHOLDERS

# Names of events, in small letters without anything between the words.
NAMES: dict[str, str] = {
    "pageview": "page_view",
    "pageviewed": "page_view",
    "viewedpage": "page_view",
    "share": "share",
    "shared": "share",
    "linkshared": "share",
    "contentshared": "share",
    "productshared": "share",
    "cartshared": "share",
    "shareopen": "share_open",
    "shareopened": "share_open",
    "sharelinkopened": "share_open",
    "registration": "registration",
    "register": "registration",
    "registered": "registration",
    "registrationcompleted": "registration",
    "userregistered": "registration",
    "signup": "registration",
    "signedup": "registration",
    "usersignedup": "registration",
    "checkin": "checkin",
    "checkedin": "checkin",
    "attendeecheckedin": "checkin",
    "aichat": "ai_chat",
    "chatmessagesent": "ai_chat",
}
_SEPARATORS = re.compile(r"[\s_\-:.$/]+")
_MAX_NAME = 100
_MAX_TEXT = 512
# The advertising id of a phone that gives none.
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
_MAX_PAGE = 2048
_UTM_OF_CAMPAIGN = {
    "source": "utm_source",
    "medium": "utm_medium",
    "name": "utm_campaign",
    "term": "utm_term",
    "content": "utm_content",
}


def normalise(name: str) -> str:
    return _SEPARATORS.sub("", name[:_MAX_NAME]).lower()


def make_event(name: Any, properties: Any, common: dict[str, Any], page: dict[str, Any]) -> Any:
    """The event of ours that another tool's custom event is, or an EventError that says why it is none.

    properties: the custom event's own; those that our type declares become its fields, by name in whatever
    spelling, and the rest stays properties. common: the fields that all events have. page: where it happened.
    """
    if not isinstance(name, str) or not name:
        return EventError("invalid_field", "The event has no name.", "name")
    type_name = NAMES.get(normalise(name))
    if type_name is None:
        return EventError(
            "unknown_name", f"Nothing here is called {shorten(name)}; it was not stored.", "name"
        )
    if properties is not None and not isinstance(properties, dict):
        properties = None
    if type_name == "page_view":
        return make_page_view(properties or {}, common, page)
    fields = _own_fields(type_name, properties or {})
    if type_name == "registration":
        fields["form_id"] = _fit(fields.get("form_id"), _MAX_TEXT) or name[:_MAX_NAME]
    elif type_name == "checkin":
        fields["method"] = _fit(fields.get("method"), _MAX_TEXT) or "reported"
    elif type_name == "ai_chat":
        _count_message(fields)
    return {**fields, **common, "type": type_name}


def make_page_view(
    properties: dict[str, Any], common: dict[str, Any], page: dict[str, Any]
) -> dict[str, Any]:
    """A page view. What the call itself says of the page counts before its surroundings (`page`)."""
    where = {name: _first_text(name, properties, page) for name in ("path", "url", "referrer", "title")}
    path = where["path"] or _path_of(where["url"]) or _first_text("name", properties)
    others = {name: value for name, value in properties.items() if name not in (*where, "search")}
    event = {
        **_own_fields("page_view", others),
        **common,
        "type": "page_view",
        "page": _fit(path, _MAX_PAGE) or "/",
    }
    for name in ("url", "referrer", "title"):
        if where[name]:
            event[name] = where[name]
    return event


def add_campaign(url: Any, campaign: Any) -> Any:
    """The address with the campaign's UTM parameters, unless it has some: they are read from there."""
    if not isinstance(campaign, dict) or not isinstance(url, str) or "utm_" in url:
        return url
    given = {
        _UTM_OF_CAMPAIGN[name]: value
        for name, value in campaign.items()
        if name in _UTM_OF_CAMPAIGN and isinstance(value, str) and value
    }
    if not given:
        return url
    address, hash_mark, fragment = url.partition("#")
    query = urlencode(given, errors="replace")
    return f"{address}{'&' if '?' in address else '?'}{query}{hash_mark}{fragment}"


def name_visitor(value: Any) -> Any:
    """A visitor's id as another tool has it. A mail address is a person's, so its SHA-256 takes its place."""
    value = as_whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**20 else None
    if not isinstance(value, str) or not value or value in PLACEHOLDERS or value == _NIL_UUID:
        return None
    if "@" in value:
        return hashlib.sha256(value.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return value


def _own_fields(type_name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties under our names where we have one (`formId` is `form_id`), others as `properties`.

    No name of a common field is taken from them: whose event it is says the protocol.
    """
    declared = {
        normalise(name): name
        for name in EVENT_TYPES[type_name].__struct_fields__
        if name not in COMMON_FIELDS
    }
    fields: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in properties.items():
        own = declared.get(normalise(name))
        if own is not None and own not in fields:
            fields[own] = value
        else:
            others[name] = value
    if others:
        fields["properties"] = others
    return fields


def _count_message(fields: dict[str, Any]) -> None:
    """The message itself is never stored."""
    properties = fields.get("properties", {})
    message = properties.pop("message", None)
    if isinstance(message, str):
        fields.setdefault("message_length", len(message))


def _fit(value: Any, most: int) -> str:
    """A required text of ours, which other tools neither require nor bound; "" if there is nothing of it."""
    value = as_whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:most]


def _first_text(name: str, *sources: dict[str, Any]) -> str:
    texts = (source[name] for source in sources if isinstance(source.get(name), str))
    return next((text for text in texts if text.strip()), "")


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
