"""Segments are made again when what they depend on changed, and only then; damage costs nothing."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.utils import timezone

from analytics import preparing
from analytics.days.dirty import mark_days_dirty
from analytics.days.redating import redate_changed_conferences
from analytics.days.summaries import refresh_dirty_days
from analytics.erasing import erase_events
from analytics.models import DailySummary, Event, Segment
from analytics.ranges import columns, segments
from analytics.ranges.results import Summary
from analytics.reactions.pipeline import store_and_react
from analytics.selectors import answers
from analytics.selectors.summary import get_summary
from conferences.models import Conference
from conferences.services.erasing import note_erased
from tests.analytics.builders import DAY, NOON, own_row, page_view, store

pytestmark = pytest.mark.django_db

NEXT_DAY = DAY + dt.timedelta(days=1)
NOW = NOON + dt.timedelta(days=10)
MINUTE = dt.timedelta(minutes=1)
MIDNIGHT = dt.datetime(2026, 5, 1, 16, tzinfo=dt.UTC)  # in Shanghai


def summed_up(
    conference: Conference, *, first: dt.date = DAY, last: dt.date = NEXT_DAY, now: dt.datetime = NOW
) -> Summary:
    refresh_dirty_days()
    return get_summary(conference, first=first, last=last, now=now)


def totals(conference: Conference, **options: Any) -> tuple[int, int, int]:
    found = summed_up(conference, **options).totals
    return found.pv, found.uv, found.visits


def names() -> dict[dt.date, str]:
    return dict(Segment.objects.values_list("date", "name"))


def path_of(date: dt.date) -> Path:
    return Path(storages["segments"].path(names()[date]))


@pytest.fixture
def two_days(conference: Conference) -> Conference:
    store(page_view("a"), page_view("b", ts=NOON + 24 * 60 * MINUTE))
    assert totals(conference) == (2, 1, 2)
    return conference


def test_what_is_up_to_date_is_read_again(two_days: Conference) -> None:
    before = names()
    assert set(before) == {DAY, NEXT_DAY}
    summed_up(two_days)
    assert names() == before


def test_a_late_event_costs_its_day(two_days: Conference) -> None:
    before = names()
    store(page_view("late", visitor_id="v2"))
    assert totals(two_days) == (3, 2, 3)
    assert names()[DAY] != before[DAY]
    assert names()[NEXT_DAY] == before[NEXT_DAY]
    assert not Path(storages["segments"].path(before[DAY])).exists()


def test_a_late_event_in_the_evening_joins_a_visit_across_midnight(conference: Conference) -> None:
    store(page_view("a", ts=MIDNIGHT + 10 * MINUTE))
    assert totals(conference, first=NEXT_DAY) == (1, 1, 1)
    store(page_view("b", ts=MIDNIGHT - 10 * MINUTE))
    assert totals(conference) == (2, 1, 1)
    assert totals(conference, first=NEXT_DAY) == (1, 1, 1)
    summary = summed_up(conference)
    assert summary.totals.duration_seconds == 20 * 60
    assert [(day.pv, day.visits) for day in summary.days] == [(1, 1), (1, 0)]


def test_half_an_hour_ends_a_visit_at_midnight_too(conference: Conference) -> None:
    store(page_view("a", ts=MIDNIGHT - 10 * MINUTE), page_view("b", ts=MIDNIGHT + 20 * MINUTE))
    assert totals(conference) == (2, 1, 2)


def test_an_erased_visitor_is_another_at_once(two_days: Conference) -> None:
    before = names()
    note_erased(two_days.id, "v1")
    erase_events(two_days.id, "v1")
    assert totals(two_days) == (2, 1, 2)
    refresh_dirty_days()
    preparing.remake_stale_segments(now=NOW)
    assert not {*before.values()} & {*names().values()}
    assert {name.rpartition("/")[2] for name in names().values()} == {
        entry.name for entry in Path(storages["segments"].path(two_days.id)).iterdir()
    }


def test_a_withdrawn_registration_leaves_and_returns(conference: Conference) -> None:
    registration = {
        "type": "registration", "event_id": "own:reg:r1", "registration_id": "r1", "visitor_id": "v1",
        "ts": NOON,
    }  # fmt: skip
    standing = {
        "type": "registration_standing", "registration_id": "r1", "source": "state",
        "ts": NOON + 2000 * MINUTE,
    }  # fmt: skip
    found = []
    for row in (
        own_row(registration),
        own_row({**standing, "event_id": "own:standing:1", "stands": False, "version": 1}),
        own_row({**standing, "event_id": "own:standing:2", "stands": True, "version": 2}),
    ):
        store_and_react([row])
        summary = summed_up(conference)
        found.append((summary.totals.registrations, [step.visitors for step in summary.funnel]))
    assert found == [(1, [0, 0, 1, 0]), (0, [0, 0, 0, 0]), (1, [0, 0, 1, 0])]


def test_a_changed_zone_moves_events_to_their_days(two_days: Conference) -> None:
    Conference.objects.filter(id="summit").update(time_zone="Pacific/Auckland")
    two_days.refresh_from_db()
    redate_changed_conferences()
    summary = summed_up(two_days)
    assert [day.pv for day in summary.days] == [1, 1]
    assert {hour.begins_at.hour for hour in summary.hours} == {16}
    Conference.objects.filter(id="summit").update(time_zone="Pacific/Honolulu")
    two_days.refresh_from_db()
    redate_changed_conferences()
    assert [day.pv for day in summed_up(two_days).days] == [1, 0]


def test_bots_are_counted_apart(conference: Conference) -> None:
    store(page_view("a"), page_view("b", bot=True, visitor_id="v2"))
    found = summed_up(conference).totals
    assert (found.pv, found.uv, found.visits, found.bots) == (1, 1, 1, 1)


def test_another_version_makes_segments_again(two_days: Conference, monkeypatch: pytest.MonkeyPatch) -> None:
    before = names()
    monkeypatch.setattr(columns, "_FORMAT", 99)
    assert totals(two_days) == (2, 1, 2)
    assert not {*before.values()} & {*names().values()}


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "changed"])
def test_a_damaged_segment_is_made_again(two_days: Conference, damage: str) -> None:
    path = path_of(DAY)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "changed":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    # Another range: the same one is remembered, and its answer still right.
    assert totals(two_days, last=DAY) == (1, 1, 1)
    assert path_of(DAY) != path


def test_a_file_that_vanishes_while_it_is_read_is_made_again(
    two_days: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ensure(*args: Any, **kwargs: Any) -> Any:
        days = segments.ensure_days(*args, **kwargs)
        monkeypatch.undo()
        Path(days[0].path).unlink()
        return days

    monkeypatch.setattr("analytics.selectors.summary.ensure_days", ensure)
    assert totals(two_days, last=DAY) == (1, 1, 1)


def test_a_segment_that_gave_way_to_anothers_is_not_made_again(
    two_days: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with readers on several machines, who each make the segment of a day that changes all the time."""
    make, made = segments.make_segment, []

    def make_and_lose(conference_id: str, date: dt.date) -> Any:
        own = make(conference_id, date)
        made.append(date)
        make(conference_id, date)  # another's, which deletes this one's file
        return own

    monkeypatch.setattr(segments, "make_segment", make_and_lose)
    mark_days_dirty([(two_days.id, DAY)])  # so no segment of it is up to date
    found = get_summary(two_days, first=DAY, last=DAY, now=NOW).totals
    assert (found.pv, found.uv, found.visits) == (1, 1, 1)
    assert made == [DAY]


def test_segments_may_be_stored_elsewhere(conference: Conference, settings: Any) -> None:
    elsewhere = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "segments": elsewhere}
    store(page_view("a"), page_view("b", ts=NOON + 24 * 60 * MINUTE))
    assert totals(conference) == (2, 1, 2)
    store(page_view("late", visitor_id="v2"))
    assert totals(conference) == (3, 2, 3)
    assert len(storages["segments"].listdir("summit")[1]) == 2


def test_the_worker_makes_what_changed_and_no_more(two_days: Conference) -> None:
    before = names()
    store(page_view("late"))
    refresh_dirty_days()
    assert preparing.remake_stale_segments(now=NOW) == 1
    assert names()[NEXT_DAY] == before[NEXT_DAY] != names()[DAY]
    assert preparing.remake_stale_segments(now=NOW) == 0
    assert not Segment.objects.filter(is_stale=True).exists()


def test_a_change_while_a_segment_is_made_is_not_missed(
    two_days: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = segments.extract_day

    def extract_and_change(*args: Any) -> Any:
        rows = list(extract(*args))
        monkeypatch.undo()
        store(page_view("meanwhile"))
        refresh_dirty_days()
        return rows

    store(page_view("late"))
    refresh_dirty_days()
    monkeypatch.setattr(segments, "extract_day", extract_and_change)
    cache.clear()  # nobody watches, so nothing is prepared
    preparing.remake_stale_segments(now=NOW)
    assert Segment.objects.get(date=DAY).is_stale
    assert totals(two_days) == (4, 1, 2)


def test_a_day_without_events_has_no_segment(two_days: Conference) -> None:
    Event.objects.filter(local_date=DAY).delete()
    DailySummary.objects.filter(date=DAY).delete()
    Segment.objects.filter(date=DAY).update(is_stale=True)
    path = path_of(DAY)
    preparing.remake_stale_segments(now=NOW)
    assert set(names()) == {NEXT_DAY}
    assert not path.exists()


def test_the_sweep_deletes_what_nobody_names(two_days: Conference) -> None:
    folder = path_of(DAY).parent
    old, young = folder / "2026-05-01-old.segment", folder / "2026-05-01-young.segment"
    for path in (old, young):
        path.write_bytes(b"half-written")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    assert preparing.sweep_segments() == 1
    assert not old.exists()
    assert young.exists()
    assert totals(two_days) == (2, 1, 2)
    two_days.delete()
    assert preparing.sweep_segments() >= 2
    assert not Segment.objects.exists()


def test_today_is_exact_in_the_totals_and_a_minute_old_elsewhere(conference: Conference) -> None:
    now = timezone.now()
    today = now.astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    store(page_view("a", ts=now - MINUTE), page_view("b", ts=now - 24 * 60 * MINUTE, visitor_id="v0"))
    yesterday = today - dt.timedelta(days=1)
    assert totals(conference, first=yesterday, last=today, now=now) == (2, 2, 2)
    Segment.objects.filter(date=today).update(build_ms=10_000)  # as if the day were large
    store(page_view("c", ts=now - MINUTE, visitor_id="v2"), page_view("d", ts=now - MINUTE, visitor_id="v0"))
    summary = summed_up(conference, first=yesterday, last=today, now=now)
    assert (summary.totals.pv, summary.totals.uv) == (4, 3)
    assert [day.pv for day in summary.days] == [1, 3]
    assert summary.funnel[0].visitors == 2
    assert summary.as_of == Segment.objects.get(date=today).built_at
    later = now + segments.MAX_AGE + MINUTE
    assert get_summary(conference, first=yesterday, last=today, now=now).funnel[0].visitors == 2
    Segment.objects.filter(date=today).update(built_at=now - segments.MAX_AGE)
    cache.clear()  # as a minute later
    summary = summed_up(conference, first=yesterday, last=today, now=later)
    assert summary.funnel[0].visitors == 3


def ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on only what is remembered is answered."""

    def refuse() -> None:
        raise AssertionError("segments were read")

    monkeypatch.setattr("analytics.selectors.answers.take_turn", refuse)


def test_usual_ranges_and_what_they_are_compared_with_are_prepared(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_SMALL_MS", 60_000)  # no day is large, however busy the machine is
    now = timezone.now()
    today = now.astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    store(page_view("a", ts=now - MINUTE), page_view("b", ts=now - 5 * 24 * 60 * MINUTE, visitor_id="v0"))
    totals(conference, first=today, last=today, now=now)  # somebody looks
    store(page_view("c", ts=now - MINUTE, visitor_id="v2"))
    refresh_dirty_days()
    assert preparing.remake_stale_segments() == 1
    ask_nobody(monkeypatch)
    found = {}
    for days in (1, 7, 28, 90, 6):  # the last: all
        first = today - dt.timedelta(days=days - 1)
        summary = get_summary(conference, first=first, last=today, compare=True, now=now)
        assert summary.comparison is not None
        found[days] = (summary.totals.uv, summary.comparison.totals.uv)
    assert found == {1: (2, 0), 7: (3, 0), 28: (3, 0), 90: (3, 0), 6: (3, 0)}
    yesterday = today - dt.timedelta(days=1)
    assert get_summary(conference, first=yesterday, last=yesterday, compare=True, now=now).totals.uv == 0
    with pytest.raises(AssertionError, match="segments were read"):
        get_summary(conference, first=today - dt.timedelta(days=3), last=today, now=now)


def test_the_answer_from_todays_former_segment_serves_until_the_next_is_prepared(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_SMALL_MS", 0)  # every day is large
    now = timezone.now()
    today = now.astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    yesterday = today - dt.timedelta(days=1)
    store(page_view("a", ts=now - MINUTE), page_view("b", ts=now - 24 * 60 * MINUTE, visitor_id="v0"))
    before = summed_up(conference, first=yesterday, last=today, now=now)
    store(page_view("c", ts=now - MINUTE, visitor_id="v2"))
    refresh_dirty_days()
    segments.make_segment(conference.id, today)

    with monkeypatch.context() as patch:
        ask_nobody(patch)
        summary = get_summary(conference, first=yesterday, last=today, now=now)
        assert (summary.totals.pv, summary.totals.uv) == (3, 3)  # exact at once
        assert summary.panels["pages"] == before.panels["pages"]
        assert summary.as_of < Segment.objects.get(date=today).built_at
    # A late event on a day before is no matter of a minute.
    store(page_view("late", ts=now - 24 * 60 * MINUTE, visitor_id="v3"))
    summary = summed_up(conference, first=yesterday, last=today, now=now)
    assert (summary.totals.uv, summary.funnel[0].visitors) == (4, 4)
    # Nor does an answer serve that is too old.
    store(page_view("d", ts=now - MINUTE, visitor_id="v4"))
    refresh_dirty_days()
    segments.make_segment(conference.id, today)
    monkeypatch.setattr("analytics.selectors.answers.MAX_AGE", dt.timedelta())
    assert summed_up(conference, first=yesterday, last=today, now=now).funnel[0].visitors == 5


def test_answers_are_prepared_for_a_small_part_of_a_core(two_days: Conference) -> None:
    answers.note_prepared(two_days.id, seconds=0.2)
    assert answers.is_at_rest(two_days.id)
    assert not answers.is_at_rest("another")
