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
from analytics.ranges.columns import VISIT_MS

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
_EMPTY_VIEW = ("",) * 9


def extract_day(conference_id: str, date: dt.date) -> Iterator[tuple[Any, ...]]:
    """The rows of a day, in no order; their values are those of columns.EXTRACTED."""
    counted: set[str] | None = None
    read_view = _decoder(_View)
    read_share = _decoder(_Share)
    for key, kind, ts, visitor, subject, data, context in store.read_day(conference_id, date):
        if kind == "page_view":
            seen_by = _read_context(context)
            view = read_view(data)
            source = _source(conference_id, visitor, view, seen_by.app)
            yield (
                key, kind, ts, subject, 0, view.page, source.host, source.name, source.group,
                view.utm_source, view.utm_medium, view.utm_campaign, view.utm_term, view.utm_content, "",
                seen_by.browser, seen_by.os, seen_by.device, seen_by.app, seen_by.country,
            )  # fmt: skip
            continue
        if _is_internal(kind):
            continue
        if kind in _COUNTING_TYPES and counted is None:
            counted = find_counted(conference_id, date)
        is_counted = counted is not None and key in counted
        channel = read_share(data).channel if kind == "share" else ""
        yield (key, kind, ts, visitor, +is_counted, *_EMPTY_VIEW, channel, *("",) * 5)


def extract_evening(conference_id: str, date: dt.date, *, midnight: dt.datetime) -> dict[str, int]:
    """By visitor, the last event (UTC ms) in the 30 minutes before a local day begins.

    date: the day before. midnight: when it ends. Only these visits can go on across midnight.
    """
    since = midnight - dt.timedelta(milliseconds=VISIT_MS)
    last: dict[str, int] = {}
    for _, kind, ts, visitor, subject, _, _ in store.read_day(conference_id, date, since=since):
        who = subject if kind == "page_view" else visitor
        if who and not _is_internal(kind) and ts > last.get(who, 0):
            last[who] = ts
    return last


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
