"""From the door's batches to rows: what a worker makes of what it finds in the stream."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from analytics.batch import Batch, to_rows
from analytics.event_types import EVENT_TYPES, EventType, LongText, register
from analytics.event_types.share import Share
from analytics.ingest.entry import UnreadableEntryError, decode_entry, encode_batches, encode_rows
from analytics.rows import EventRow
from tests.analytics.streams import NOON_MS, make_batch, make_row


def entry_of(event: dict[str, Any]) -> dict[bytes, bytes]:
    """An entry as a door writes it that knows more, or less, than this code."""
    whole = {"conference_id": "summit", "event_id": "e1", "visitor_id": "v1", "ts": NOON_MS, **event}
    return {b"v": b"2", b"e": msgspec.msgpack.encode([[NOON_MS, False, [whole]]])}


def test_a_batch_comes_out_of_the_stream_as_the_rows_of_its_events() -> None:
    share = Share(
        conference_id="summit", event_id="e2", visitor_id="v2", session_id="s", ts=NOON_MS,
        properties={"n": [1, 2.5, None, "字"]}, share_code="q7Jm0Zt4", channel="wechat",
    )  # fmt: skip
    batches: list[Batch[Any]] = [make_batch("e1", count=2), Batch(NOON_MS + 9, True, [share])]

    page_view = EventRow(
        "e1", "page_view", "summit", NOON_MS, NOON_MS + 5, "v-e1", "", "v-e1", False, '{"page":"/"}', "{}"
    )
    assert decode_entry(encode_batches(batches)) == [
        page_view,
        page_view,
        EventRow(
            "e2", "share", "summit", NOON_MS, NOON_MS + 9, "v2", "s", "q7Jm0Zt4", True,
            '{"share_code":"q7Jm0Zt4","channel":"wechat"}', '{"n":[1,2.5,null,"字"]}',
        ),
    ]  # fmt: skip


def test_rows_come_out_as_they_went_in() -> None:
    rows = [make_row(), make_row(is_bot=True)]
    assert decode_entry(encode_rows(rows)) == rows


def test_a_field_of_a_newer_door_is_passed_over() -> None:
    (row,) = decode_entry(entry_of({"type": "page_view", "page": "/", "colour": "red"}))
    assert (row.event_id, row.data) == ("e1", '{"page":"/"}')


@pytest.mark.parametrize(
    "event",
    [{"type": "page_like", "page": "/"}, {"type": "page_view"}, {"type": "page_view", "page": 5}],
    ids=["unknown type", "missing field", "wrong type"],
)
def test_an_event_that_this_worker_cannot_read_makes_the_entry_unreadable(event: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEntryError, match="damaged entry"):
        decode_entry(entry_of(event))


@pytest.fixture
def fragile_type() -> Iterator[None]:
    @register
    class Fragile(EventType, tag="fragile", kw_only=True):
        label: ClassVar[str] = "Fragile"
        url: LongText

        def derived_fields(self) -> dict[str, Any]:
            return {"host": self.url.split("/")[2]}

    yield
    EVENT_TYPES.remove("fragile")


@pytest.mark.usefixtures("fragile_type")
def test_fields_that_cannot_be_derived_cost_neither_the_event_nor_its_neighbours() -> None:
    fragile: Any = EVENT_TYPES["fragile"]
    common = {"conference_id": "summit", "event_id": "e1", "visitor_id": "v1", "ts": NOON_MS}
    batch = Batch(NOON_MS, False, [fragile(**common, url=url) for url in ("https://a.example/", "b")])
    expected = ['{"url":"https://a.example/","host":"a.example"}', '{"url":"b"}']

    assert [row.data for row in to_rows(batch)] == expected
    assert [row.data for row in decode_entry(encode_batches([batch]))] == expected
