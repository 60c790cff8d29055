"""From a day's stored events to the rows of its segment, with what is derived from their fields."""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from analytics import store
from analytics.context.referrers import Source, read_host, read_share_code, read_source
from analytics.days.attendance import find_counted
from analytics.event_types import ATTENDANCE_TYPES, EVENT_TYPES
from analytics.event_types.share import NONCE_LENGTH, PROVEN_CODE_LENGTH, prove_code
from analytics.ranges.columns import CONTEXT_FIELDS, SOURCE_FIELDS, EventRow

# The server's own bookkeeping is nothing that a visitor did.
_COUNTING_TYPES = ATTENDANCE_TYPES - {name for name, member in EVENT_TYPES.items() if member.internal}


class _View(msgspec.Struct, gc=False):
    page: str = ""
    url: str = ""
    referrer: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""


class _Share(msgspec.Struct, gc=False):
    channel: str = ""


class Context(msgspec.Struct, frozen=True):
    browser: str = ""
    os: str = ""
    device: str = ""
    app: str = ""
    country: str = ""


_NO_CONTEXT = Context()
_NO_SOURCE = ("",) * len(SOURCE_FIELDS)
_EMPTY_CONTEXT = ("",) * len(CONTEXT_FIELDS)


def extract_day(conference_id: str, date: dt.date) -> Iterator[EventRow]:
    """The rows of a day, in no order."""
    counted: set[str] | None = None
    read_view = _decoder(_View)
    read_share = _decoder(_Share)
    for key, kind, ts, visitor, subject, data, context in store.read_day(conference_id, date):
        if kind == "page_view":
            seen_by = _read_context(context)
            view = read_view(data)
            source = (
                *_source(conference_id, visitor, view, seen_by.app),
                view.utm_source, view.utm_medium, view.utm_campaign, view.utm_term, view.utm_content,
            )  # fmt: skip
            yield EventRow(
                key, kind, ts, subject, False, view.page, "", source, msgspec.structs.astuple(seen_by)
            )
            continue
        if _is_internal(kind):
            continue
        if kind in _COUNTING_TYPES and counted is None:
            counted = find_counted(conference_id, date)
        is_counted = counted is not None and key in counted
        channel = read_share(data).channel if kind == "share" else ""
        yield EventRow(key, kind, ts, visitor, is_counted, "", channel, _NO_SOURCE, _EMPTY_CONTEXT)


@lru_cache(maxsize=64)
def _is_internal(kind: str) -> bool:
    member = EVENT_TYPES.get(kind)
    return member is not None and member.internal


def _source(conference_id: str, visitor: str, view: _View, app: str) -> Source:
    code = read_share_code(view.url) if view.url else ""
    return read_source(
        view.referrer,
        read_host(view.url),
        is_shared=code != "" and not _is_own_code(conference_id, visitor, code),
        utm_source=view.utm_source,
        utm_medium=view.utm_medium,
        app=app,
    )


@lru_cache(maxsize=16_384)
def _is_own_code(conference_id: str, visitor: str, code: str) -> bool:
    """Our SDK puts the visitor's own code into the address bar: such an address was not shared with them."""
    is_proven = len(code) == PROVEN_CODE_LENGTH
    return is_proven and prove_code(conference_id, visitor, code[:NONCE_LENGTH]) == code


@lru_cache(maxsize=16_384)
def _context_of_text(text: str) -> Context:
    return msgspec.json.decode(text, type=Context)


def _read_context(value: Any) -> Context:
    """value: JSON as text, or decoded as MongoDB has it, or None."""
    if not value:
        return _NO_CONTEXT
    return _context_of_text(value) if isinstance(value, str) else msgspec.convert(value, Context)


def _decoder(kind: type[Any]) -> Callable[[Any], Any]:
    decode = msgspec.json.Decoder(kind).decode

    def read(value: Any) -> Any:
        return msgspec.convert(value, kind) if isinstance(value, dict) else decode(value)

    return read
