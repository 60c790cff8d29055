"""Registrations and check-ins count once over all days, and reports do not change confirmed ones."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.days.attendance import FIGURES, count_attendance, find_days
from analytics.days.figures import compute_figures
from analytics.days.summaries import refresh_dirty_days
from analytics.days.zones import local_date
from analytics.events.rows import EventRow
from analytics.models import DailySummary, DirtyDay, Event
from analytics.own_events import standing_row
from analytics.reactions.pipeline import store_and_react
from conferences.models import Conference
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.registrations import decide, register
from conferences.states import Action
from tests.analytics.builders import DAY, NOON, on_sql, own_row, store, to_row
from tests.analytics.streams import make_drain, run

pytestmark = pytest.mark.django_db(transaction=True)

ONE_DAY = dt.timedelta(days=1)


def reported(event_id: str, ts: dt.datetime = NOON, **fields: Any) -> dict[str, Any]:
    """A registration as a browser reports it."""
    return {"event_id": event_id, "type": "registration", "ts": ts, "visitor_id": f"v-{event_id}", **fields}


def confirmed(registration_id: str, ts: dt.datetime = NOON, **fields: Any) -> EventRow:
    """The event of one of our own registrations."""
    event = {"event_id": f"own:reg:{registration_id}", "type": "registration", "ts": ts, "form_id": "f"}
    return own_row({**event, "registration_id": registration_id, **fields})


def standing(registration_id: str, version: int, *, stands: bool, source: str = "state") -> EventRow:
    return standing_row(
        conference_id="summit", registration_id=registration_id, source=source, stands=stands,
        version=version, at=NOON + 2 * ONE_DAY,
    )  # fmt: skip


def figures(day: int = 0) -> dict[str, int]:
    """Return the figures of attendance, `day` days after 1 May."""
    found = compute_figures("summit", DAY + day * ONE_DAY)
    return {name: found[name] for name in FIGURES}


def counts(*days: int) -> list[int]:
    return [figures(day)["registrations"] for day in days]


# --- Attacks ----------------------------------------------------------------------------------------------


def test_a_report_does_not_move_a_confirmed_registration(conference: Conference) -> None:
    store_and_react([confirmed("r1")])
    store(reported("thief", NOON - ONE_DAY, registration_id="r1", share_code="q7Jm0Zt4"))

    assert counts(-1, 0) == [0, 1]
    assert figures()["registrations_reported"] == 0


def test_an_id_from_another_conference_hides_no_event(conference: Conference) -> None:
    store(reported("order-1", conference_id="evil", registration_id="x"))
    store(reported("order-1", registration_id="r1"))

    assert counts(0) == [1]


def test_a_clients_id_hides_no_secret_keys_id(conference: Conference) -> None:
    store(reported("order-1", registration_id="made up"))
    row = confirmed("r1")
    row.event_id = "key:order-1"
    store_and_react([row])

    assert figures() == {
        "registrations": 2, "registrations_reported": 1, "checkins": 0, "present": 0, "held": 0
    }  # fmt: skip


def test_a_reported_check_in_of_a_registration_is_ignored(conference: Conference) -> None:
    store_and_react([confirmed("r1")])
    store({"event_id": "c1", "type": "checkin", "ts": NOON, "registration_id": "r1"})
    store({"event_id": "c2", "type": "checkin", "ts": NOON, "registration_id": "of another system"})

    assert figures()["checkins"] == 1


def test_a_report_before_its_registration_stops_counting(conference: Conference) -> None:
    store({"event_id": "c1", "type": "checkin", "ts": NOON, "registration_id": "r1"})
    refresh_dirty_days()
    assert DailySummary.objects.get(date=DAY).figures["checkins"] == 1

    store_and_react([confirmed("r1", NOON + ONE_DAY)])
    refresh_dirty_days()

    summary = DailySummary.objects.get(date=DAY)
    assert (summary.figures["checkins"], summary.revision) == (0, 2)


def test_a_report_without_id_cannot_speak_for_another_visitor(conference: Conference) -> None:
    """The subject of a report without id is a digest that anybody can compute."""
    store(reported("victim", visitor_id="v1"))
    subject = Event.objects.get().subject
    store_and_react([confirmed("r1", visitor_id="thief")])
    store(reported("attack", visitor_id="thief", registration_id=subject))

    assert counts(0) == [3]


# --- Once over all days -----------------------------------------------------------------------------------


def test_a_report_the_day_after_the_form_counts_once(conference: Conference) -> None:
    store_and_react([confirmed("r1")])
    store(reported("sdk", NOON + ONE_DAY, registration_id="r1"))

    assert counts(0, 1) == [1, 0]


def test_a_confirmation_page_seen_on_three_days_counts_once(conference: Conference) -> None:
    for day in (2, 0, 1):
        store(reported(f"e{day}", NOON + day * ONE_DAY, registration_id="r1", visitor_id="v1"))
    assert counts(0, 1, 2) == [1, 0, 0]

    for day in (2, 0, 1):
        store(reported(f"x{day}", NOON + day * ONE_DAY, visitor_id="v2"))
    assert counts(0, 1, 2) == [2, 0, 0]


def test_reports_without_id_count_once_per_visitor_and_form(conference: Conference) -> None:
    for number in range(3):
        store(reported(f"a{number}", visitor_id="v1", form_id="dinner"))
    store(
        reported("b", visitor_id="v1", form_id="workshop"), reported("c", visitor_id="v2", form_id="dinner")
    )

    assert figures()["registrations_reported"] == 3


def test_a_report_without_id_is_about_the_visitors_registration(conference: Conference) -> None:
    store(reported("sdk", NOON - ONE_DAY, visitor_id="v1"))
    assert counts(-1, 0) == [1, 0]
    store_and_react([confirmed("r1", visitor_id="v1")])
    assert counts(-1, 0) == [0, 1]

    store_and_react([standing("r1", 1, stands=False)])
    assert counts(-1, 0) == [0, 0], "also when it is withdrawn"


def test_both_days_are_recomputed_when_the_first_moment_changes(conference: Conference) -> None:
    store(reported("later", NOON + ONE_DAY, registration_id="r1"))
    refresh_dirty_days()
    store(reported("earlier", NOON, registration_id="r1"))
    refresh_dirty_days()

    found = {summary.date: summary.figures["registrations"] for summary in DailySummary.objects.all()}
    assert found == {DAY: 1, DAY + ONE_DAY: 0}


def test_the_day_of_a_report_without_id_is_recomputed(conference: Conference) -> None:
    store(reported("sdk", NOON - ONE_DAY, visitor_id="v1"))
    refresh_dirty_days()
    store_and_react([confirmed("r1", visitor_id="v1")])
    refresh_dirty_days()

    found = {summary.date: summary.figures["registrations"] for summary in DailySummary.objects.all()}
    assert found == {DAY - ONE_DAY: 0, DAY: 1}


def test_a_crash_before_marking_the_other_day_costs_nothing(conference: Conference) -> None:
    """The control: after the insert alone the former day keeps its figure. Then the entry is redelivered."""
    from analytics import store as event_store

    store(reported("later", NOON + ONE_DAY, registration_id="r1"))
    refresh_dirty_days()
    row = to_row(reported("earlier", NOON, registration_id="r1"))
    row.local_date = DAY
    event_store.insert_new([row])
    refresh_dirty_days()
    assert DailySummary.objects.get(date=DAY + ONE_DAY).figures["registrations"] == 1

    store(reported("earlier", NOON, registration_id="r1"))
    refresh_dirty_days()
    assert DailySummary.objects.get(date=DAY + ONE_DAY).figures["registrations"] == 0


# --- Withdrawn and undone ---------------------------------------------------------------------------------


def test_a_withdrawn_registration_leaves_and_returns(conference: Conference) -> None:
    store_and_react([confirmed("r1"), confirmed("r2")])
    refresh_dirty_days()
    revisions = []
    for version, stands in ((1, False), (2, True), (3, False)):
        store_and_react([standing("r1", version, stands=stands)])
        refresh_dirty_days()
        summary = DailySummary.objects.get(date=DAY)
        revisions.append((summary.figures["registrations"], summary.revision))

    assert revisions == [(1, 2), (2, 3), (1, 4)]


def test_the_highest_version_wins_in_any_order(conference: Conference) -> None:
    store_and_react([standing("r1", 2, stands=True), confirmed("r1")])
    store_and_react([standing("r1", 1, stands=False)])
    assert counts(0) == [1]

    store_and_react([standing("r1", 1, stands=False, source="void")])
    assert counts(0) == [0], "an organizer's void is another source"


def test_a_void_withdraws_a_report_and_its_checkin(conference: Conference) -> None:
    store(reported("x", registration_id="made up"))
    store({"event_id": "c", "type": "checkin", "ts": NOON, "registration_id": "made up"})
    assert (figures()["registrations"], figures()["checkins"]) == (1, 1)

    store_and_react([standing("made up", 1, stands=False, source="void")])
    assert (figures()["registrations"], figures()["checkins"]) == (0, 0)


def test_cancelling_on_our_own_form_takes_a_registration_back(conference: Conference, bob: User) -> None:
    ann = register(conference=conference, name="Ann", email="ann@example.com").registration
    run(make_drain())
    today = local_date(conference.time_zone, round(ann.registered_at.timestamp() * 1000))
    assert compute_figures("summit", today)["registrations"] == 1

    decide(ann.id, Action.CANCEL, by=bob)
    run(make_drain())
    assert compute_figures("summit", today)["registrations"] == 0


def test_an_undone_check_in_stays_undone_on_every_day(conference: Conference, bob: User) -> None:
    yesterday = NOON - ONE_DAY
    ann = register(conference=conference, name="Ann", email="ann@example.com", now=yesterday).registration
    made = check_in(ann.id, by=bob, now=yesterday).check_in
    undo_check_in(made.id, by=bob)
    run(make_drain())
    store({"event_id": "later", "type": "checkin", "ts": NOON, "registration_id": ann.id})

    assert [figures(day)["checkins"] for day in (-1, 0)] == [0, 0]
    check_in(ann.id, by=bob, now=NOON)
    run(make_drain())
    assert [figures(day)["checkins"] for day in (-1, 0)] == [0, 1]


def test_an_attendee_counts_on_the_first_valid_check_in(conference: Conference) -> None:
    store_and_react([confirmed("r1", NOON - ONE_DAY)])
    entry = {"type": "checkin", "method": "qr", "registration_id": "r1"}
    for day in (0, 1):
        row = own_row({**entry, "event_id": f"own:checkin:c{day}", "ts": NOON + day * ONE_DAY})
        store_and_react([row])
    assert [figures(day)["checkins"] for day in (0, 1)] == [1, 0]

    undone = {"type": "checkin_undone", "registration_id": "r1", "checkin_event_id": "own:checkin:c0"}
    store_and_react([own_row({**undone, "event_id": "own:undone:c0", "ts": NOON})])
    assert [figures(day)["checkins"] for day in (0, 1)] == [0, 1]


# --- Receipts ---------------------------------------------------------------------------------------------


def test_a_report_with_a_receipt_concerns_its_registration(conference: Conference) -> None:
    answer = register(conference=conference, name="Ann", email="ann@example.com")
    run(make_drain())
    day = local_date(conference.time_zone, round(answer.registration.registered_at.timestamp() * 1000))
    assert answer.receipt.startswith("rct_")
    now = answer.registration.registered_at
    store(reported("sdk", now, registration_id=answer.receipt))
    store(reported("other", now, registration_id="rct_unknown"))

    assert Event.objects.get(id__startswith="sdk/").subject == answer.registration.id
    assert Event.objects.get(id__startswith="sdk/").data["registration_id"] == answer.registration.id
    found = compute_figures("summit", day)
    assert (found["registrations"], found["registrations_reported"]) == (2, 1)


def test_a_receipt_says_nothing_in_another_conference(conference: Conference) -> None:
    Conference.objects.create(id="other", name="Other")
    answer = register(conference=conference, name="Ann", email="ann@example.com")
    store(reported("replay", NOON, registration_id=answer.receipt, conference_id="other"))

    replayed = Event.objects.get(id__startswith="replay/")
    assert (replayed.conference_id, replayed.subject) == ("other", answer.receipt)


# --- Any order --------------------------------------------------------------------------------------------


_ENTRY = {"type": "checkin", "method": "qr"}
_IDS = st.sampled_from(["r1", "r2", "r3"])
_DAYS = st.integers(-2, 2)
_deliveries = st.lists(
    st.one_of(
        st.builds(
            lambda number, rid, day, visitor: to_row(
                reported(f"e{number}", NOON + day * ONE_DAY, registration_id=rid, visitor_id=visitor)
            ),
            st.integers(0, 9), st.one_of(st.none(), _IDS), _DAYS, st.sampled_from(["v1", "v2"]),
        ),
        st.builds(
            lambda rid, day, visitor: confirmed(rid, NOON + day * ONE_DAY, visitor_id=visitor),
            _IDS, _DAYS, st.sampled_from(["v1", "v2", "v3"]),
        ),
        st.builds(
            lambda rid, version, stands, source: standing(rid, version, stands=stands, source=source),
            _IDS, st.integers(1, 4), st.booleans(), st.sampled_from(["state", "void"]),
        ),
        st.builds(
            lambda number, rid, day: to_row(
                {**_ENTRY, "event_id": f"c{number}", "ts": NOON + day * ONE_DAY, "registration_id": rid}
            ),
            st.integers(0, 5), _IDS, _DAYS,
        ),
        st.builds(
            lambda number, rid, day: own_row(
                {"type": "entry", "event_id": f"own:entry:{number}", "registration_id": rid,
                 "ts": NOON + day * ONE_DAY}
            ),
            st.integers(0, 3), _IDS, _DAYS,
        ),
        st.builds(
            lambda number, rid, day: own_row(
                {"type": "entry_undone", "event_id": f"own:entry_undone:{number}", "registration_id": rid,
                 "entry_event_id": f"own:entry:{number}", "ts": NOON + day * ONE_DAY}
            ),
            st.integers(0, 3), _IDS, _DAYS,
        ),
    ),
    max_size=14,
    unique_by=lambda row: row.key,
)  # fmt: skip


@settings(max_examples=25)
@given(_deliveries, st.randoms(use_true_random=False))
def test_any_order_of_deliveries_gives_the_same_summaries(
    conference: Conference, rows: list[EventRow], random: Any
) -> None:
    found = []
    for _ in range(2):
        for model in (Event, DirtyDay, DailySummary):
            model.objects.all().delete()
        random.shuffle(rows)
        for row in [*rows, *rows[:3]]:  # some are delivered twice
            row.local_date, row.hold = None, ""
            store_and_react([row])
            refresh_dirty_days()
        days = {summary.date: summary.figures for summary in DailySummary.objects.all()}
        found.append({day: {name: figures[name] for name in FIGURES} for day, figures in days.items()})
        # The right days were marked exactly if computing each from scratch changes nothing.
        assert all(count_attendance("summit", date) == figures for date, figures in found[-1].items())

    assert found[0] == found[1]
    registrations = {row.subject for row in rows if row.type == "registration"}
    total = sum(figures["registrations"] for figures in found[0].values())
    assert total <= len(registrations), "none counts on two days"


# --- Plans ------------------------------------------------------------------------------------------------


@on_sql
def test_a_registrations_events_are_found_by_index(conference: Conference) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's planner goes by the number of rows")
    store_and_react([confirmed("r1", visitor_id="v1")])
    store(reported("x", visitor_id="v1"))
    plans = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and "analytics_event" in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                plans.extend(step[3] for step in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        figures()
        find_days("summit", subjects={"r1"}, visitor_ids={"v1"}, excluding=[dt.date(2026, 5, 1)])
    assert not [step for step in plans if step.startswith("SCAN analytics_event")]
    assert not [step for step in plans if step.endswith("(conference_id=?)")]
    assert any("event_of_registration" in step for step in plans)
    assert any("event_registration_visitor" in step for step in plans)
