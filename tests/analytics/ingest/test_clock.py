"""Event time: corrected for the client's clock, never after the arrival, never before the window."""

import datetime as dt

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.events.clock import MS_PER_DAY, TooOldError, event_time_ms, now_ms, to_ms
from tests.analytics.ingest.conftest import Door, page_view, read_stream

HOUR_MS = 3_600_000


async def times_of(door: Door, **body: object) -> tuple[int, int]:
    """Return event time and arrival of the one accepted event, in milliseconds."""
    answer = await door.send(body=body)
    assert answer.status_code == 202, answer.text
    (row,) = read_stream()
    return row.ts_ms, row.received_ms


async def test_sent_at_corrects_a_slow_clock(door: Door) -> None:
    theirs = now_ms() - 3 * HOUR_MS
    ts_ms, received_ms = await times_of(door, events=[page_view(ts=theirs - 60_000)], sent_at=theirs)

    assert ts_ms == received_ms - 60_000


async def test_sent_at_corrects_a_fast_clock(door: Door) -> None:
    theirs = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    ts_ms, received_ms = await times_of(
        door,
        events=[page_view(ts=(theirs - dt.timedelta(seconds=5)).isoformat())],
        sent_at=theirs.isoformat(),
    )

    assert abs(received_ms - 5000 - ts_ms) <= 1  # a millisecond for rounding


async def test_the_clock_is_trusted_without_sent_at(door: Door) -> None:
    ts = now_ms() - 2 * HOUR_MS
    ts_ms, _ = await times_of(door, events=[page_view(ts=ts)])

    assert ts_ms == ts


@pytest.mark.parametrize("sent_at", ['"2026-01-01T00:00:00"', "[1]", "1e300", r'"\ud800"', '"soon"', "NaN"])
async def test_an_invalid_sent_at_costs_no_event(door: Door, sent_at: str) -> None:
    ts = now_ms() - 2 * HOUR_MS
    event = msgspec.json.encode(page_view(ts=ts)).decode()
    answer = await door.send(content=f'{{"events": [{event}], "sent_at": {sent_at}}}'.encode())

    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["code"], rejected["field"]) == (None, "invalid_field", "sent_at")
    assert [row.ts_ms for row in read_stream()] == [ts]


@pytest.mark.parametrize("ts", ["9999-12-31T23:59:59Z", 253402300799000, "2999-01-01T00:00:00+08:00"])
async def test_a_future_event_happened_now(door: Door, ts: object) -> None:
    ts_ms, received_ms = await times_of(door, events=[page_view(ts=ts)])

    assert ts_ms == received_ms


@pytest.mark.parametrize(
    "digits", ["9999995", "99999951", "999999999", "9999995" + "0" * 20, "9999994", "999"]
)
async def test_a_fractional_second_never_reaches_the_next_day(door: Door, digits: str) -> None:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    ts_ms, _ = await times_of(door, events=[page_view(ts=f"{day}T23:59:59.{digits}Z")])

    end_of_day = dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000 + MS_PER_DAY
    assert ts_ms == end_of_day - 1


async def test_a_leap_second_is_the_end_of_its_minute(door: Door) -> None:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    ts_ms, _ = await times_of(door, events=[page_view(ts=f"{day}T23:59:60Z")])

    assert ts_ms == dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000 + MS_PER_DAY - 1


async def test_a_sent_at_is_not_rounded_up_either(door: Door) -> None:
    second = dt.datetime.now(dt.UTC).replace(microsecond=0)
    theirs = f"{second:%Y-%m-%dT%H:%M:%S}.9999999Z"
    ts_ms, received_ms = await times_of(door, events=[page_view(ts=theirs)], sent_at=theirs)

    assert ts_ms == received_ms


async def test_seconds_are_no_milliseconds(door: Door) -> None:
    """Both in seconds would be a few minutes ago, whatever the day."""
    hour_ago = now_ms() - 3_600_000
    sent_at = now_ms() // 1000
    answer = await door.send(body={"events": [page_view(ts=hour_ago // 1000)], "sent_at": sent_at})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["rejected"][-1]["field"] == "ts"

    answer = await door.send(body={"events": [page_view(ts=hour_ago)], "sent_at": sent_at})
    assert [rejection["field"] for rejection in answer.json()["rejected"]] == ["sent_at"]
    (row,) = read_stream()
    assert row.ts_ms == hour_ago, "not corrected"


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_milliseconds_are_exact(moment: dt.datetime) -> None:
    assert to_ms(moment) == (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


async def test_an_event_without_time_happened_now(door: Door) -> None:
    ts_ms, received_ms = await times_of(door, events=[page_view()])

    assert ts_ms == received_ms
    assert abs(now_ms() - ts_ms) < 5000


async def test_both_forms_of_a_time_are_equal(door: Door) -> None:
    moment = dt.datetime.now(dt.UTC).replace(microsecond=123_000) - dt.timedelta(hours=1)
    in_shanghai = moment.astimezone(dt.timezone(dt.timedelta(hours=8)))
    epoch = round(moment.timestamp() * 1000)
    await door.send([page_view(ts=in_shanghai.isoformat()), page_view(ts=epoch), page_view(ts=epoch + 0.4)])

    assert {row.ts_ms for row in read_stream()} == {epoch}


async def test_an_event_older_than_the_window_is_rejected(door: Door) -> None:
    now = now_ms()
    old, young = now - 7 * MS_PER_DAY - 60_000, now - 7 * MS_PER_DAY + 60_000
    answer = await door.send([page_view(ts=old), page_view(ts=young)])

    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["code"] == "too_old"
    assert "7 days" in answer.json()["rejected"][0]["message"]
    assert [row.ts_ms for row in read_stream()] == [young]


@given(
    happened=st.integers(0, 7 * MS_PER_DAY - 1),
    skew=st.integers(-(10**14), 10**14),
    received=st.integers(10**12, 2 * 10**12),
)
def test_any_clock_offset_is_corrected(happened: int, skew: int, received: int) -> None:
    """The event happened `happened` ms before it was sent, and the network took no time."""
    assume(abs(received + skew) > 10**11)  # it would be seconds
    corrected = event_time_ms(
        received + skew - happened,
        sent_ms=received + skew,
        received_ms=received,
        oldest_ms=received - 7 * MS_PER_DAY,
    )

    assert corrected == received - happened


def test_an_import_takes_any_time_since_1970() -> None:
    now = 1_800_000_000_000
    assert event_time_ms(0, sent_ms=None, received_ms=now, oldest_ms=None) == 0
    with pytest.raises(TooOldError):
        event_time_ms(-1, sent_ms=None, received_ms=now, oldest_ms=None)
