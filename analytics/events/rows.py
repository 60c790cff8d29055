"""`EventRow`: one event on its way through a worker into the store."""

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from analytics.models import Event


class EventRow(msgspec.Struct, array_like=True, gc=False):
    """A validated event in the form of its table row, all strings final but the local date.

    Own events, and dead letters of single events, travel in this form as MessagePack arrays, so the order of
    the fields is part of a stream entry's format: a change here needs a new version in
    analytics/stream/entry.py. Only a last field with a default needs none: older rows lack it, older workers
    skip it.

    event_id: with the prefix of its class of sender (analytics/event_types); unique for ever within a
        conference, at most 80 characters.
    type: the name of the event type, e.g. "page_view".
    ts_ms, received_ms: event time (clock corrected) and arrival, UTC milliseconds since 1970.
    subject: what distinct figures count once (visitor, registration, share code; else the event's id).
    data, properties: JSON objects as text: the type's own fields, and the client's extra ones.
    local_date: the conference's own day; None while the conference is not known. Set by the worker.
    hold: one of Event.Hold; set by the worker for reports beyond a quota.
    client: who sent a report, as far as its quota needs to know (analytics/reactions/quota.py); not stored.
    context: a JSON object as text: what is known of the sender (analytics/context); "" for nothing.
    """

    event_id: str
    type: str
    conference_id: str
    ts_ms: int
    received_ms: int
    visitor_id: str
    session_id: str
    subject: str
    is_bot: bool
    data: str
    properties: str
    local_date: dt.date | None = None
    hold: str = ""
    client: str = ""
    context: str = ""

    @property
    def key(self) -> str:
        """The primary key of the event in the store."""
        return f"{self.event_id}/{self.conference_id}"

    @property
    def is_held(self) -> bool:
        """Whether it is kept and counts nowhere, until an organizer releases it."""
        return self.hold != ""

    @property
    def ts(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.ts_ms / 1000, dt.UTC)

    def decode_data(self) -> dict[str, object]:
        """The type's own fields. Decoded at each call: only reactions that need them pay for it."""
        fields: dict[str, object] = msgspec.json.decode(self.data)
        return fields


def replace_registration_id(row: EventRow, other: str) -> None:
    """Give the event of a registration another registration's id."""
    data = row.decode_data()
    if data.get("registration_id") == row.subject:
        data["registration_id"] = other
        row.data = msgspec.json.encode(data).decode()
    row.subject = other


def to_row(event: "Event") -> EventRow:
    """Make the row of a stored event, as reactions get it."""
    return EventRow(
        event.event_id,
        event.type,
        event.conference_id,
        round(event.ts.timestamp() * 1000),
        round(event.received_at.timestamp() * 1000),
        event.visitor_id,
        event.session_id,
        event.subject,
        event.is_bot,
        msgspec.json.encode(event.data).decode(),
        msgspec.json.encode(event.properties).decode(),
        event.local_date,
        event.hold,
        "",
        msgspec.json.encode(event.context).decode() if event.context else "",
    )
