"""From the door's batches to rows: how a worker reads the entries of the stream."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from analytics.event_types import EventType, LongText
from analytics.event_types.share import Share
from analytics.events.batch import Batch, to_rows
from analytics.events.rows import EventRow
from analytics.models import DeadLetter, Event
from analytics.stream.entry import (
    UnreadableEntryError,
    count_events,
    decode_entry,
    decode_readable,
    encode_batch,
    encode_batches,
    encode_rows,
)
from analytics.stream.queue import MAX_DELIVERIES
from conferences.models import Conference
from tests.analytics.streams import (
    NOON_MS,
    append,
    length,
    make_batch,
    make_drain,
    make_row,
    run,
    stored_ids,
    wait_until_overdue,
)
from tests.support.event_types import registered


def entry_of(*events: dict[str, Any]) -> dict[bytes, bytes]:
    """An entry from a door that knows more, or less, than this code."""
    common = {"conference_id": "summit", "event_id": "e1", "visitor_id": "v1", "ts": NOON_MS}
    whole = [{**common, **event} for event in events]
    return {b"v": b"2", b"e": msgspec.msgpack.encode([[NOON_MS, False, whole]])}


def test_a_batch_becomes_the_rows_of_its_events() -> None:
    share = Share(
        conference_id="summit", event_id="e2", visitor_id="v2", session_id="s", ts=NOON_MS,
        properties={"n": [1, 2.5, None, "字"]}, share_code="q7Jm0Zt4", channel="wechat",
    )  # fmt: skip
    batches: list[Batch[Any]] = [make_batch("e1", count=2), Batch(NOON_MS + 9, True, [share])]

    page_view = EventRow(
        "e1", "page_view", "summit", NOON_MS, NOON_MS + 5, "v-e1", "", "v-e1", False, '{"page":"/"}', "{}"
    )
    assert decode_entry(encode_batches(map(encode_batch, batches))) == [
        page_view,
        page_view,
        EventRow(
            "e2", "share", "summit", NOON_MS, NOON_MS + 9, "v2", "s", "q7Jm0Zt4", True,
            '{"share_code":"q7Jm0Zt4","channel":"wechat"}', '{"n":[1,2.5,null,"字"]}',
        ),
    ]  # fmt: skip


def test_rows_survive_a_round_trip() -> None:
    rows = [make_row(), make_row(is_bot=True)]
    assert decode_entry(encode_rows(rows)) == rows


@pytest.mark.parametrize(
    ("own", "data"),
    [
        ({"page": "/", "colour": "red"}, '{"page":"/"}'),
        ({"title": "Agenda"}, '{"title":"Agenda"}'),
        ({"page": "x" * 5000}, '{"page":"' + "x" * 5000 + '"}'),
    ],
    ids=["a field that has gone", "a field that has come", "a rule that has come"],
)
def test_an_accepted_event_is_not_validated_again(own: dict[str, Any], data: str) -> None:
    (row,) = decode_entry(entry_of({"type": "page_view", **own}))
    assert (row.event_id, row.data) == ("e1", data)


UNREADABLE = pytest.mark.parametrize(
    "event",
    [
        {"type": "page_like", "page": "/"},
        {"type": "page_view", "ts": "noon"},
        {"type": "fragile", "url": "b"},
    ],
    ids=["unknown type", "wrong type", "an error of the type's own code"],
)


@pytest.fixture
def fragile_type() -> Iterator[None]:
    """A type whose own code fails for some events, or turns them into something that is not JSON."""

    class Fragile(EventType, tag="fragile", kw_only=True):
        label: ClassVar[str] = "Fragile"
        url: LongText

        def derived_fields(self) -> dict[str, Any]:
            return {"host": self.url.split("/")[2], **({"x": object()} if "object" in self.url else {})}

    with registered(Fragile):
        yield


@UNREADABLE
@pytest.mark.usefixtures("fragile_type")
def test_an_unreadable_event_does_not_cost_its_entry(event: dict[str, Any]) -> None:
    good = [{"type": "page_view", "page": "/"}, {"type": "fragile", "url": "https://a.example/"}]
    fields = entry_of(good[0], event, good[1])
    with pytest.raises(UnreadableEntryError, match="damaged entry"):
        decode_entry(fields)

    rows, unread = decode_readable(fields)
    assert [row.type for row in rows] == ["page_view", "fragile"]
    assert unread is not None
    assert count_events(unread.fields) == 1
    assert msgspec.msgpack.decode(unread.fields[b"e"])[0][2][0]["type"] == event["type"]
    assert decode_readable(unread.fields)[0] == []
    assert count_events(fields) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("fragile_type")
@pytest.mark.parametrize("url", ["b", "https://a.example/object"])
def test_an_unreadable_event_becomes_a_dead_letter_alone(conference: Conference, url: str) -> None:
    good = [{"type": "page_view", "page": "/", "event_id": f"g{number}"} for number in range(9)]
    append(entry_of(*good[:5], {"type": "fragile", "url": url}, *good[5:]), [make_row("neighbour")])
    drain = make_drain()
    run(drain)
    # At once. The last one waits for a newer worker.
    assert stored_ids() == {*(event["event_id"] for event in good), "neighbour"}
    assert length() == 1

    while length():
        wait_until_overdue()
        run(drain)
    letter = DeadLetter.objects.get()
    assert (letter.event_count, letter.deliveries) == (1, MAX_DELIVERIES)
    assert Event.objects.count() == 10


@pytest.mark.django_db
def test_events_of_unknown_types_wait_for_newer_workers(
    conference: Conference, request: pytest.FixtureRequest
) -> None:
    newer = {"type": "fragile", "url": "https://a.example/", "event_id": "e2"}
    append(entry_of({"type": "page_view", "page": "/"}, newer))
    run(make_drain())
    assert stored_ids() == {"e1"}

    request.getfixturevalue("fragile_type")
    wait_until_overdue()
    run(make_drain())
    assert stored_ids() == {"e1", "e2"}
    assert (length(), DeadLetter.objects.count()) == (0, 0)


def test_counting_an_entry_makes_no_rows() -> None:
    """Making its rows may be what kills the entry's workers."""

    class Deadly(EventType, tag="deadly", kw_only=True):
        label: ClassVar[str] = "Deadly"

        def derived_fields(self) -> dict[str, Any]:
            raise AssertionError("called")

    with registered(Deadly):
        assert count_events(entry_of({"type": "deadly"}, {"type": "deadly"})) == 2


@pytest.mark.parametrize("encode", [lambda rows: encode_rows(rows), None], ids=["rows", "batches"])
def test_a_fast_clock_dates_nothing_into_the_future(encode: Any) -> None:
    batch = make_batch("e1", count=2)
    fields = encode_batches([encode_batch(batch)]) if encode is None else encode(to_rows(batch))
    fast = [(row.ts_ms, row.received_ms) for row in decode_entry(fields, latest_ms=NOON_MS - 7)]
    assert fast == [(NOON_MS - 7, NOON_MS - 7)] * 2
    assert decode_readable(fields, latest_ms=NOON_MS - 7)[0][0].ts_ms == NOON_MS - 7
    assert decode_entry(fields, latest_ms=NOON_MS + 5) == decode_entry(fields), "of the same moment"
