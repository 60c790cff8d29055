"""The context of an event as it is stored: a small JSON object, made once for each distinct sender."""

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import msgspec

from analytics.context.agents import MAX_LENGTH, read_agent
from analytics.context.bots import is_bot

# What an event's context may say. What is not known is left out.
Field = Literal["app", "browser", "country", "device", "os"]
FIELDS: tuple[str, ...] = get_args(Field)
MAX_VALUE_LENGTH = 64

_encode = msgspec.json.Encoder().encode


class Description(NamedTuple):
    """context: a JSON object as text, or "" for nothing. is_bot: whether the agent is a crawler's."""

    context: str
    is_bot: bool


def describe(agent: str, country: str) -> Description:
    """Describe the sender of a request. agent: its user agent. country: two letters or ""."""
    return _describe(agent[:MAX_LENGTH], country) if agent or country else _NOBODY


_NOBODY = Description("", False)


@lru_cache(maxsize=4096)
def _describe(agent: str, country: str) -> Description:
    """Cached: reading an agent takes half a millisecond, and there are few distinct ones."""
    names = {**read_agent(agent)._asdict(), "country": country}
    known = {name: names[name][:MAX_VALUE_LENGTH] for name in FIELDS if names[name]}
    return Description(_encode(known).decode() if known else "", is_bot(agent))
