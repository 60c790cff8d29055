"""What a server with a secret key says of the visitor for whom it sends an event.

    "context": {"visitor_id": "v-7f3b", "user_agent": "Mozilla/5.0 …", "country": "CN", "ip": "203.0.113.7"}

The address goes no further than this: it only makes the visitor's id and country where none is given.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from analytics.event_types import EventType

_COUNTRY = re.compile(r"[A-Za-z]{2}\Z")
_MAX_AGENT = 512
_MAX_ADDRESS = 64


class Context(NamedTuple):
    """Of the visitor; "" for what is not said."""

    user_agent: str = ""
    country: str = ""
    address: str = ""
    visitor_id: str | None = None


NOTHING = Context()


def read_context(given: Any, find_country: Callable[[str], str]) -> Context:
    """What can be used of it. Anything else is decoration that was left out: it never costs the event.

    find_country: of an address, where none is given.
    """
    if not isinstance(given, dict):
        return NOTHING
    country = _text(given.get("country"), _MAX_ADDRESS)  # Segment's clients may write its name
    # Servers pass on what proxies told them: `203.0.113.7, 10.0.0.1`.
    address = _text(given.get("ip"), _MAX_ADDRESS).partition(",")[0].strip()
    return Context(
        user_agent=_text(given.get("user_agent"), _MAX_AGENT),
        country=country.upper() if _COUNTRY.match(country) else find_country(address),
        address=address,
        visitor_id=_text(given.get("visitor_id"), 1024) or None,
    )


def _text(value: Any, most: int) -> str:
    """The text, cut; "" for what is none, or holds half of a character."""
    if not isinstance(value, str):
        return ""
    return value[:most].encode("utf-8", "ignore").decode().replace("\0", "")


def name_visitors(
    events: Sequence[Any], contexts: Sequence[Context], make_id: Callable[..., str]
) -> list[Any]:
    """The events with the visitors that their contexts name.

    make_id: makes an id of a conference's id, `address` and `agent`.
    """
    named: list[Any] = []
    for event, context in zip(events, contexts, strict=True):
        if not isinstance(event, dict) or event.get("visitor_id") is not None:
            named.append(event)
        elif context.visitor_id is not None:
            named.append({**event, "visitor_id": context.visitor_id})
        elif context.address and isinstance(event.get("conference_id"), str):
            made = make_id(event["conference_id"], address=context.address, agent=context.user_agent)
            named.append({**event, "visitor_id": made})
        else:
            named.append(event)
    return named


def group_by_context(
    placed: Sequence[tuple[int, EventType]], contexts: Sequence[Context]
) -> dict[tuple[str, str], list[EventType]]:
    """The events by agent and country, of which a batch has one each."""
    groups: dict[tuple[str, str], list[EventType]] = {}
    for index, event in placed:
        context = contexts[index] if contexts else NOTHING
        groups.setdefault((context.user_agent, context.country), []).append(event)
    return groups
