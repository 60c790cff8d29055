"""Any input gets a named answer, never an exception, and every event is either accepted or rejected."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.event_types import EVENT_TYPES
from analytics.event_types._base import COMMON_FIELDS
from analytics.events.batch import to_rows
from analytics.events.rows import EventRow
from analytics.events.validation import BatchError, Client, read_batch
from analytics.ingest.body import BadEncodingError, BodyTooLargeError, unpack_gzip
from analytics.store.sqlite import make_groups
from analytics.stream.entry import decode_entry, encode_batch, encode_batches

pytestmark = pytest.mark.slow

NOW_MS = 1_800_000_000_000
many = settings(max_examples=400)

texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(["", "\0", "\ud800", "x" * 10_000])
numbers = (
    st.integers() | st.floats() | st.sampled_from([2**63, -(2**64), 1e308, -1e308, 0, -1, 253402300800000])
)
times = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "2016-12-31T23:59:60Z"]
)
# Python refuses to write a number with so many digits; a client does not.
HUGE = "<a number of 5,000 digits>"
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | times | st.just(HUGE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    sorted(
        {
            "type",
            *COMMON_FIELDS,
            *(field for kind in EVENT_TYPES.values() for field in kind.__struct_fields__),
        }
    )
)


@st.composite
def nearly_events(draw: st.DrawFn) -> Any:
    """A valid event with a few fields replaced by random values."""
    name = draw(st.sampled_from(list(EVENT_TYPES)))
    event = {"type": name, "conference_id": "summit", **EVENT_TYPES[name].example}
    event.update(draw(st.dictionaries(names | texts, values, max_size=3)))
    return event


def to_json(value: Any) -> bytes:
    """Write JSON as loosely as clients do: lone surrogates as escapes, NaN as it stands."""
    return json.dumps(value).encode().replace(json.dumps(HUGE).encode(), b"9" * 5000)


def take(body: bytes, *, acceptance_days: int | None = 7) -> tuple[list[EventRow], list[Any]] | None:
    """Return the rows and rejections, or None for a batch that is refused whole, with a named error."""
    client = Client(NOW_MS, False, lambda conference_id: "anonymous")
    try:
        batch, rejected, notices, _ = read_batch(
            body, client, max_events=500, acceptance_days=acceptance_days
        )
    except BatchError as error:
        if error.code not in ("invalid_json", "no_events", "too_many_events"):
            raise
        msgspec.json.encode(str(error))
        return None
    msgspec.json.encode([rejected, notices])
    rows = to_rows(batch)
    # Accepted events come out of the stream as they went in.
    assert decode_entry(encode_batches([encode_batch(batch)])) == rows
    return rows, rejected


@many
@given(st.lists(nearly_events() | values, min_size=1, max_size=6), st.none() | values | times)
@example([HUGE], HUGE)
def test_every_event_is_either_accepted_or_rejected(events: list[Any], sent_at: Any) -> None:
    body: dict[str, Any] = {"events": events}
    if sent_at is not None:
        body["sent_at"] = sent_at
    taken = take(to_json(body))
    assert taken is not None
    rows, rejected = taken

    indexes = [rejection.index for rejection in rejected]
    if indexes[:1] == [None]:  # a bad `sent_at`
        indexes.pop(0)
    assert len(rows) + len(indexes) == len(events)
    assert indexes == sorted(set(indexes))
    for row in rows:
        assert 0 < len(row.event_id) <= 64
        assert 0 < len(row.conference_id) <= 64
        assert 0 < len(row.subject) <= 64
        assert row.type in EVENT_TYPES
        assert NOW_MS - 7 * 86_400_000 <= row.ts_ms <= NOW_MS
        assert "\\u0000" not in (row.data + row.properties).replace("\\\\", "")
    assert sum(len(list(values)) for _, values in make_groups(rows)) == len(rows)


@many
@given(st.lists(nearly_events(), min_size=2, max_size=5), st.data())
def test_an_event_is_judged_independently_of_its_batch(events: list[Any], data: st.DataObject) -> None:
    for event in events:
        if event.get("event_id") is None:
            event["event_id"] = "given"  # otherwise the server makes another each time
    together = take(to_json({"events": events}))
    assert together is not None
    by_itself = [take(to_json({"events": [event]})) for event in events]

    assert together[0] == [row for taken in by_itself if taken for row in taken[0]]
    assert [(rejection.code, rejection.field) for rejection in together[1]] == [
        (rejection.code, rejection.field) for taken in by_itself if taken for rejection in taken[1]
    ]


@many
@given(st.binary(max_size=300) | values.map(to_json))
def test_random_bytes_get_a_named_error(body: bytes) -> None:
    taken = take(body)

    assert taken is None or taken[0] or taken[1]


@many
@given(st.lists(nearly_events(), min_size=1, max_size=2), st.data())
def test_a_damaged_batch_gets_a_named_error(events: list[Any], data: st.DataObject) -> None:
    body = bytearray(to_json({"events": events}))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    take(bytes(body), acceptance_days=None)


@many
@given(st.binary(max_size=200), st.booleans())
def test_false_gzip_gets_a_named_error(content: bytes, begin_well: bool) -> None:
    if begin_well:
        content = b"\x1f\x8b\x08\x00" + content
    try:
        assert len(unpack_gzip(content, limit=1000)) <= 1000
    except (BadEncodingError, BodyTooLargeError) as error:
        str(error)
