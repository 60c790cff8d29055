"""A plain recount of events, by the definitions and by nothing of ours: the oracle for summaries."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

Figures = dict[str, int]


def recount(events: Iterable[dict[str, Any]], time_zone: str) -> dict[dt.date, Figures]:
    """The figures of each local day that has events.

    events: dicts with `event_id`, `type`, `ts` (aware datetime) and whatever of `visitor_id`,
        `registration_id` and `bot` they have. The first of several with the same id counts.
    """
    seen: set[str] = set()
    distinct: dict[tuple[dt.date, str], set[str]] = defaultdict(set)
    figures: dict[dt.date, Figures] = defaultdict(
        lambda: {"pv": 0, "uv": 0, "registrations": 0, "checkins": 0, "ai_chats": 0}
    )
    for event in events:
        if event["event_id"] in seen:
            continue
        seen.add(event["event_id"])
        day = figures[event["ts"].astimezone(ZoneInfo(time_zone)).date()]
        date = event["ts"].astimezone(ZoneInfo(time_zone)).date()
        if event.get("bot"):
            continue
        kind = event["type"]
        if kind == "page_view":
            day["pv"] += 1
            distinct[date, "uv"].add(event.get("visitor_id") or event["event_id"])
        elif kind == "registration":
            distinct[date, "registrations"].add(event.get("registration_id") or event["event_id"])
        elif kind == "checkin":
            distinct[date, "checkins"].add(event.get("registration_id") or event["event_id"])
        elif kind == "ai_chat":
            day["ai_chats"] += 1
    for (date, name), subjects in distinct.items():
        figures[date][name] = len(subjects)
    return dict(figures)
