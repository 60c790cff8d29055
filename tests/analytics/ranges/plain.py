"""A plain recount of ranges, by docs/definitions.md with nothing of MeetEasy: the oracle for summaries."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]
HALF_HOUR = dt.timedelta(minutes=30)


def recount(
    events: Iterable[Event],
    zone: str,
    first: dt.date,
    last: dt.date,
    *,
    filters: Sequence[tuple[str, str, str]] = (),
    until: dt.datetime | None = None,
) -> dict[str, Any]:
    """The figures of a range of local days.

    events: dicts with `key`, `type`, `ts` (aware), `visitor` ("" for none), `bot`, and the dimensions as they
        are to come out. Each key once. filters: (dimension, "is" or "contains", value).
    """

    def day_of(event: Event) -> dt.date:
        return event["ts"].astimezone(ZoneInfo(zone)).date()

    people = sorted((event for event in events if not event["bot"]), key=lambda e: (e["ts"], e["key"]))
    inside = [
        event for event in people if first <= day_of(event) <= last and (until is None or event["ts"] < until)
    ]
    parts = [[event for event in visit if event in inside] for visit in _visits(people)]
    visits = [part for part in parts if part]
    everybody = {event["visitor"] for event in inside if event["visitor"]}
    if filters:
        visits = [visit for visit in visits if all(_matches(visit, *item) for item in filters)]
        everybody = {visit[0]["visitor"] for visit in visits}
        counted = [event for visit in visits for event in visit]
    else:
        counted = inside
    views = [event for event in counted if event["type"] == "page_view"]
    registrations = [event for event in counted if event["type"] == "registration" and event["counts"]]
    by_day: dict[dt.date, list[Event]] = defaultdict(list)
    by_hour: dict[dt.datetime, list[Event]] = defaultdict(list)
    for event in (*views, *registrations):
        by_day[day_of(event)].append(event)
        by_hour[_hour(event["ts"], ZoneInfo(zone))].append(event)
    began = Counter(day_of(visit[0]) for visit in visits)
    return {
        "pv": len(views),
        "uv": _distinct(views),
        "visits": len(visits),
        "bounces": sum(len(visit) == 1 and visit[0]["type"] == "page_view" for visit in visits),
        "duration": sum((visit[-1]["ts"] - visit[0]["ts"] for visit in visits), dt.timedelta()),
        "share_opens": sum(event["type"] == "share_open" for event in counted),
        "registrations": len(registrations),
        "checkins": sum(event["type"] == "checkin" and event["counts"] for event in counted),
        "days": {day: (*_count(by_day[day]), began[day]) for day in {*by_day, *began}},
        "hours": {hour: _count(found) for hour, found in by_hour.items()},
        "funnel": [
            _distinct(
                event
                for event in inside
                if event["type"] == step and event.get("counts", True) and event["visitor"] in everybody
            )
            for step in ("page_view", "share_open", "registration", "checkin")
        ],
        "panels": {
            dimension: _panel(event for event in counted if event["type"] == kind)(dimension)
            for dimension, kind in _KINDS.items()
        }
        | {"entry_page": _panel(map(_entry, filter(_entry, visits)))("page")},
    }


_KINDS = {
    "page": "page_view",
    "referrer": "page_view",
    "group": "page_view",
    "utm_source": "page_view",
    "utm_campaign": "page_view",
    "channel": "share",
    "browser": "page_view",
    "os": "page_view",
    "device": "page_view",
    "app": "page_view",
    "country": "page_view",
}


def _visits(people: list[Event]) -> list[list[Event]]:
    """Each visitor's events, parted where half an hour lies between two."""
    by_visitor: dict[str, list[Event]] = defaultdict(list)
    for event in people:
        if event["visitor"]:
            by_visitor[event["visitor"]].append(event)
    visits = []
    for events in by_visitor.values():
        visit: list[Event] = []
        for event in events:
            if visit and event["ts"] - visit[-1]["ts"] >= HALF_HOUR:
                visits.append(visit)
                visit = []
            visit.append(event)
        visits.append(visit)
    return visits


def _entry(visit: list[Event]) -> Event | None:
    return next((event for event in visit if event["type"] == "page_view"), None)


def _matches(visit: list[Event], dimension: str, operator: str, value: str) -> bool:
    if dimension == "entry_page":
        entry = _entry(visit)
        texts = [] if entry is None else [entry["page"]]
    else:
        texts = [event.get(dimension, "") for event in visit if event["type"] == _KINDS[dimension]]
    return any(value.lower() in text.lower() if operator == "contains" else text == value for text in texts)


def _panel(events: Iterable[Event]) -> Any:
    known = list(events)

    def count(dimension: str) -> dict[str, tuple[int, int]]:
        by_value: dict[str, list[Event]] = defaultdict(list)
        for event in known:
            if event.get(dimension):
                by_value[event[dimension]].append(event)
        return {value: (len(found), _distinct(found)) for value, found in by_value.items()}

    return count


def _count(events: list[Event]) -> tuple[int, int, int]:
    """PV, UV and registrations of page views and registrations."""
    views = [event for event in events if event["type"] == "page_view"]
    return len(views), _distinct(views), len(events) - len(views)


def _distinct(events: Iterable[Event]) -> int:
    return len({event["visitor"] for event in events if event["visitor"]})


def _hour(ts: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The whole hours since local midnight, as an instant."""
    date = ts.astimezone(zone).date()
    midnight = dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)
    return midnight + (ts - midnight) // dt.timedelta(hours=1) * dt.timedelta(hours=1)
