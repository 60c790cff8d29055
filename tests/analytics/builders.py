"""Events for the tests of summaries, through the same validation as a client's."""

import datetime as dt
from typing import Any

import pytest

from analytics.events.rows import EventRow
from analytics.events.validation import Client, make_row, parse_event
from analytics.reactions.pipeline import store_and_react
from tests.support.environment import STORE

# For tests that look at, or into, SQL statements.
on_sql = pytest.mark.skipif(STORE == "mongodb", reason="about SQL statements")

NOON = dt.datetime(2026, 5, 1, 4, tzinfo=dt.UTC)  # noon in Shanghai
DAY = dt.date(2026, 5, 1)

_OWN: dict[str, dict[str, Any]] = {
    "page_view": {"page": "/"},
    "registration": {"form_id": "f"},
    "checkin": {"method": "qr"},
    "ai_chat": {"message_length": 3},
    "share": {"share_code": "q7Jm0Zt4"},
    "share_open": {"share_code": "q7Jm0Zt4"},
}


def to_row(event: dict[str, Any]) -> EventRow:
    """A row of the conference `summit`; `ts` is an aware datetime, `bot` says whether a crawler sent it."""
    given = {name: value for name, value in event.items() if name not in ("ts", "bot") and value is not None}
    item = {"conference_id": "summit", **_OWN[event["type"]], **given, "ts": event["ts"].isoformat()}
    received = max(NOON, event["ts"]) + dt.timedelta(days=1)
    client = Client(round(received.timestamp() * 1000), bool(event.get("bot")), lambda conference_id: "")
    return make_row(parse_event(item), client)


def own_row(event: dict[str, Any]) -> EventRow:
    """A row of the conference `summit` as the server itself or a secret key makes it. `event_id` has the
    prefix."""
    item = {"conference_id": "summit", **_OWN.get(event["type"], {}), **event, "ts": event["ts"].isoformat()}
    received = max(NOON, event["ts"]) + dt.timedelta(days=1)
    server = Client(round(received.timestamp() * 1000), False, lambda conference_id: "", is_server=True)
    return make_row(parse_event(item), server)


def page_view(event_id: str, **fields: Any) -> dict[str, Any]:
    """A page view at noon by visitor `v1`; `fields` replace those."""
    return {"event_id": event_id, "type": "page_view", "ts": NOON, "visitor_id": "v1", **fields}


def store(*events: dict[str, Any]) -> None:
    """Store events and run the reactions, as a worker does with one delivery."""
    store_and_react([to_row(event) for event in events])
