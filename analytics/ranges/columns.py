"""The columns of a segment, and the dimensions by which summaries are split and filtered."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

from analytics.context.referrers import DATA_FILE

# What is the same in most page views of a visit, kept as one number for all of it.
CONTEXT_FIELDS = ("browser", "os", "device", "app", "country")
SOURCE_FIELDS = (
    "host", "referrer", "source_group", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip


class EventRow(NamedTuple):
    """An event as the extraction gives it.

    ts: UTC milliseconds. visitor: "" for none. is_counted: of registrations and check-ins, the event by which
    it counts on this day. source, context: values of SOURCE_FIELDS and CONTEXT_FIELDS.
    """

    key: str
    type: str
    ts: int
    visitor: str
    is_counted: bool
    page: str
    channel: str
    source: tuple[str, ...]
    context: tuple[str, ...]


# The columns of numbers that stand for texts, and the texts that are in each.
CODED: dict[str, tuple[str, ...]] = {
    "type": (), "page": (), "channel": (), "source": SOURCE_FIELDS, "context": CONTEXT_FIELDS,
}  # fmt: skip


class Dimension(NamedTuple):
    """column: of CODED. field: which of its texts, or None if it is one text."""

    column: str
    field: int | None = None


def _within(column: str, name: str) -> Dimension:
    return Dimension(column, CODED[column].index(name))


# By the name in API and filters. All are of page views, except `channel`, which is of shares.
DIMENSIONS = {
    "page": Dimension("page"),
    "referrer": _within("source", "referrer"),
    "host": _within("source", "host"),
    "group": _within("source", "source_group"),
    "utm_source": _within("source", "utm_source"),
    "utm_medium": _within("source", "utm_medium"),
    "utm_campaign": _within("source", "utm_campaign"),
    "utm_term": _within("source", "utm_term"),
    "utm_content": _within("source", "utm_content"),
    "channel": Dimension("channel"),
    "browser": _within("context", "browser"),
    "os": _within("context", "os"),
    "device": _within("context", "device"),
    "app": _within("context", "app"),
    "country": _within("context", "country"),
}
# A dimension of the whole visit.
ENTRY_PAGE = "entry_page"


class DamagedError(Exception):
    """A segment's file is missing, cut or changed."""


VISIT_MS = 30 * 60 * 1000

_FORMAT = 3


def version() -> str:
    """What makes segments of before unusable: another format, or another list of referrers."""
    return f"{_FORMAT}-{_referrers_digest()}"


@lru_cache(maxsize=1)
def _referrers_digest() -> str:
    return hashlib.sha256(DATA_FILE.read_bytes()).hexdigest()[:12]
