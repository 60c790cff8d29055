"""Local dates follow their conference, which may come after its events, change its zone, or never come."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from analytics import store as event_store
from analytics.days.redating import UNCLAIMED_DAYS, drop_unclaimed_events, redate_changed_conferences
from analytics.days.summaries import close_ended_days, refresh_dirty_days
from analytics.days.zones import get_zones, local_date
from analytics.event_handlers import mark_days
from analytics.events.rows import EventRow
from analytics.models import AppliedSettings, DailySummary, DirtyDay, Event, UnclaimedConference
from analytics.reactions import handlers
from analytics.reactions.pipeline import store_and_react
from conferences import services
from conferences.models import Conference
from tests.analytics.builders import DAY, NOON, on_sql, page_view, store, to_row
from tests.analytics.streams import make_row

pytestmark = pytest.mark.django_db


def refresh() -> None:
    """Do the work of the task `analytics.refresh_dirty_days`."""
    redate_changed_conferences()
    refresh_dirty_days()


def pv_by_day(conference_id: str = "summit") -> dict[str, int]:
    summaries = DailySummary.objects.filter(conference_id=conference_id)
    return {found.date.isoformat(): found.figures["pv"] for found in summaries}


def test_events_wait_for_their_conference_and_are_adopted(alice: Any) -> None:
    store(page_view("a"), page_view("b", ts=NOON + dt.timedelta(hours=20)))
    refresh()
    assert Event.objects.filter(local_date=None).count() == 2
    assert not DailySummary.objects.exists()
    assert UnclaimedConference.objects.filter(conference_id="summit").exists()

    services.create_conference(owner=alice, id="summit", name="Summit", time_zone="Asia/Shanghai")
    refresh()

    assert pv_by_day() == {"2026-05-01": 1, "2026-05-02": 1}
    assert not UnclaimedConference.objects.exists()
    assert not DirtyDay.objects.exists()


def test_a_changed_zone_moves_events_and_leaves_no_zeros(conference: Conference) -> None:
    # 1 May, 01:00 in Shanghai: still 30 April in UTC.
    store(page_view("a", ts=NOON - dt.timedelta(hours=11)))
    refresh()
    assert pv_by_day() == {"2026-05-01": 1}

    services.update_conference(conference, time_zone="UTC")
    refresh()

    assert pv_by_day() == {"2026-04-30": 1}
    assert AppliedSettings.objects.get(conference_id="summit").time_zone == "UTC"


def test_every_event_has_the_date_of_the_new_zone(conference: Conference) -> None:
    store(*(page_view(f"e{hours}", ts=NOON + dt.timedelta(hours=7 * hours)) for hours in range(-60, 60)))
    for zone in ("America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"):
        services.update_conference(conference, time_zone=zone)
        refresh()

        stored = list(Event.objects.all())
        assert len(stored) == 120
        expected: dict[str, int] = {}
        for event in stored:
            assert event.local_date == local_date(zone, round(event.ts.timestamp() * 1000))
            expected[event.local_date.isoformat()] = expected.get(event.local_date.isoformat(), 0) + 1
        assert {day: pv for day, pv in pv_by_day().items() if pv} == expected


def test_nothing_is_redated_without_a_change(conference: Conference) -> None:
    store(page_view("a"))
    assert redate_changed_conferences() == 1
    assert redate_changed_conferences() == 0


@on_sql
@pytest.mark.django_db(transaction=True)
def test_the_next_run_finishes_an_interrupted_redating(conference: Conference) -> None:
    store(*(page_view(f"e{hours}", ts=NOON + dt.timedelta(hours=7 * hours)) for hours in range(-10, 10)))
    refresh()
    services.update_conference(conference, time_zone="America/Los_Angeles")

    updates = 0

    def die_at_the_third_update(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal updates
        if sql.startswith('UPDATE "analytics_event"'):
            updates += 1
            if updates == 3:
                raise RuntimeError("killed")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(die_at_the_third_update), pytest.raises(RuntimeError):
        redate_changed_conferences()
    refresh()

    for event in Event.objects.all():
        assert event.local_date == local_date("America/Los_Angeles", round(event.ts.timestamp() * 1000))
    assert sum(pv_by_day().values()) == 20


def test_a_closed_day_reopens_in_a_later_zone(conference: Conference) -> None:
    today = timezone.now().replace(hour=12)  # at other hours the two zones are two days apart
    services.update_conference(conference, time_zone="Pacific/Kiritimati")
    store(page_view("a", ts=today), page_view("b", ts=today + dt.timedelta(days=1)))
    refresh()
    close_ended_days(now=today + dt.timedelta(days=2))
    closed, _ = DailySummary.objects.order_by("date")
    assert closed.closed_at is not None

    services.update_conference(conference, time_zone="Pacific/Pago_Pago")
    refresh()

    assert DailySummary.objects.get(id=closed.id).closed_at is None


@contextmanager
def before_the_insert(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` once, after a worker read the zones and before it inserts its events."""
    pending = [act]

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # SQLite's insert itself bypasses Django's cursor (meeteasy/core/sqlite.py).
        if pending and ("INSERT INTO analytics_event " in sql or "max(rowid) FROM analytics_event" in sql):
            pending.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
    assert not pending, "nothing was inserted"


def store_naively(rows: Sequence[EventRow]) -> None:
    """Store as the pipeline does, but without its second look at the zones."""
    zones = get_zones({row.conference_id for row in rows})
    for row in rows:
        zone = zones.get(row.conference_id)
        row.local_date = None if zone is None else local_date(zone, row.ts_ms)
    event_store.insert_new(rows)
    handlers.react(rows)


EARLY = NOON - dt.timedelta(hours=11)  # 1 May in Shanghai, 30 April in UTC


@on_sql
def test_a_zone_change_during_storing_misdates_no_event(
    conference: Conference,
) -> None:
    def change_zone() -> None:
        services.update_conference(conference, time_zone="UTC")
        refresh()

    with before_the_insert(change_zone):
        store_and_react([to_row(page_view("a", ts=EARLY))])
    refresh()

    assert Event.objects.get().local_date == DAY - dt.timedelta(days=1)
    assert {day: pv for day, pv in pv_by_day().items() if pv} == {"2026-04-30": 1}


@on_sql
def test_control_a_single_look_at_the_zones_misdates_events(
    conference: Conference,
) -> None:
    def change_zone() -> None:
        services.update_conference(conference, time_zone="UTC")
        refresh()

    with before_the_insert(change_zone):
        store_naively([to_row(page_view("a", ts=EARLY))])
    refresh()

    assert Event.objects.get().local_date == DAY


@on_sql
def test_a_conference_created_during_storing_adopts_its_events(alice: Any) -> None:
    def create() -> None:
        services.create_conference(owner=alice, id="summit", name="Summit", time_zone="UTC")
        refresh()

    with before_the_insert(create):
        store(page_view("a"))
    refresh()

    assert pv_by_day() == {"2026-05-01": 1}


def test_unclaimed_events_are_dropped_after_seven_days() -> None:
    store(page_view("a"), page_view("b", conference_id="other"))
    now = timezone.now()
    Event.objects.update(received_at=now - dt.timedelta(days=UNCLAIMED_DAYS, hours=1))
    UnclaimedConference.objects.filter(conference_id="summit").update(
        first_seen_at=now - dt.timedelta(days=UNCLAIMED_DAYS, hours=1)
    )
    UnclaimedConference.objects.filter(conference_id="other").update(
        first_seen_at=now - dt.timedelta(days=UNCLAIMED_DAYS - 1)
    )

    assert drop_unclaimed_events(now=now) == 1
    assert list(Event.objects.values_list("conference_id", flat=True)) == ["other"]
    assert list(UnclaimedConference.objects.values_list("conference_id", flat=True)) == ["other"]


def test_younger_unclaimed_events_stay() -> None:
    store(page_view("old"), page_view("young"))
    now = timezone.now()
    UnclaimedConference.objects.update(first_seen_at=now - dt.timedelta(days=8))
    Event.objects.filter(id__startswith="old/").update(received_at=now - dt.timedelta(days=8))
    Event.objects.filter(id__startswith="young/").update(received_at=now - dt.timedelta(days=6))

    drop_unclaimed_events(now=now)

    assert [event.event_id for event in Event.objects.all()] == ["young"]
    assert UnclaimedConference.objects.exists()  # the next check is tomorrow


def test_a_conference_created_in_time_keeps_its_events(alice: Any) -> None:
    store(page_view("a"))
    now = timezone.now()
    Event.objects.update(received_at=now - dt.timedelta(days=8))
    UnclaimedConference.objects.update(first_seen_at=now - dt.timedelta(days=8))
    services.create_conference(owner=alice, id="summit", name="Summit", time_zone="UTC")

    assert drop_unclaimed_events(now=now) == 0
    refresh()
    assert pv_by_day() == {"2026-05-01": 1}


def test_events_of_known_conferences_are_never_dropped(conference: Conference) -> None:
    store(page_view("a"))
    Event.objects.update(received_at=timezone.now() - dt.timedelta(days=400))

    assert drop_unclaimed_events() == 0
    assert Event.objects.count() == 1


def test_an_unknown_zone_stops_no_other_conference(alice: Any) -> None:
    for conference_id in ("summit", "broken", "zebra"):
        store(page_view(conference_id, conference_id=conference_id))
        services.create_conference(owner=alice, id=conference_id, name="C", time_zone="UTC")
    Conference.objects.filter(id="broken").update(time_zone="Mars/Olympus_Mons")

    refresh()

    assert pv_by_day("summit") == pv_by_day("zebra") == {"2026-05-01": 1}
    assert Event.objects.get(id__startswith="broken/").local_date is None


def test_thousands_of_unknown_conferences_need_few_queries(
    django_assert_max_num_queries: Any,
) -> None:
    rows = [make_row(f"e{number}", conference_id=f"unknown{number}") for number in range(1200)]
    if on_sql():
        with django_assert_max_num_queries(20):
            mark_days(rows)
    mark_days(rows)

    assert UnclaimedConference.objects.count() == 1200
