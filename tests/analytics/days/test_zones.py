"""Local days as instants: complete, without gap or overlap, however the clocks of a zone changed."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.days.zones import day_bounds, local_date

ZONES = sorted(zoneinfo.available_timezones())
days = st.dates(dt.date(1972, 2, 1), dt.date(2035, 12, 31))


def ms(instant: dt.datetime) -> int:
    return round(instant.timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("UTC", "2026-05-01", "2026-05-01T00:00", 24),
        ("Asia/Shanghai", "2026-05-01", "2026-04-30T16:00", 24),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00", 23),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00", 25),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
        # Samoa skipped the 30th when it crossed the date line.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
        # No midnight: clocks went from 24:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),
        # Midnight twice: clocks went from 01:00 back to 00:00.
        ("America/Havana", "2025-11-02", "2025-11-02T04:00", 25),
        # From 00:01 back to 23:01: the hour belongs to the day that had begun.
        ("America/St_Johns", "2010-11-06", "2010-11-06T02:30", 24),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30", 25),
        ("Asia/Kathmandu", "2026-05-01", "2026-04-30T18:15", 24),
    ],
)
def test_a_day_goes_from_its_midnight_to_the_next(zone: str, day: str, start: str, hours: float) -> None:
    begins, ends = day_bounds(zone, dt.date.fromisoformat(day))

    assert begins.isoformat()[:16] == start
    assert (ends - begins).total_seconds() / 3600 == hours


def test_instants_around_odd_days_get_the_right_date() -> None:
    for day in (dt.date(2026, 3, 8), dt.date(2026, 11, 1)):
        begins, ends = (ms(bound) for bound in day_bounds("America/New_York", day))
        for instant, expected in [
            (begins - 1, day - dt.timedelta(days=1)),
            (begins, day),
            (begins + 2 * 3_600_000, day),
            (ends - 1, day),
            (ends, day + dt.timedelta(days=1)),
        ]:
            assert local_date("America/New_York", instant) == expected


@settings(max_examples=600)
@given(st.sampled_from(ZONES), days, st.integers(0, 86_399_999))
def test_an_instant_lies_within_its_local_date(zone: str, day: dt.date, offset: int) -> None:
    instant = ms(dt.datetime.combine(day, dt.time(), dt.UTC)) + offset
    begins, ends = day_bounds(zone, local_date(zone, instant))

    assert ms(begins) <= instant < ms(ends)


@settings(max_examples=400)
@given(st.sampled_from(ZONES), days)
def test_days_follow_each_other_without_gap_or_overlap(zone: str, day: dt.date) -> None:
    begins, ends = day_bounds(zone, day)

    assert ends == day_bounds(zone, day + dt.timedelta(days=1))[0]
    assert dt.timedelta(0) <= ends - begins <= dt.timedelta(hours=27)
    assert begins.timestamp() % 900 == 0  # what local_date's memory relies on
    if begins < ends:
        assert local_date(zone, ms(begins)) == local_date(zone, ms(ends) - 1) == day


@settings(max_examples=300)
@given(st.sampled_from(ZONES), days.filter(lambda day: day.year >= 2012), st.integers(0, 86_399_999))
def test_since_2012_days_match_the_wall_clock(zone: str, day: dt.date, offset: int) -> None:
    instant = ms(dt.datetime.combine(day, dt.time(), dt.UTC)) + offset
    wall = dt.datetime.fromtimestamp(instant / 1000, dt.UTC).astimezone(zoneinfo.ZoneInfo(zone))

    assert local_date(zone, instant) == wall.date()
