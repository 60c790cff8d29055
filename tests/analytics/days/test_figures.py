"""Figures compared with a plain recount of the same events, and the rules for all figures."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.days.figures import compute_figures, figure_names, figures_from
from analytics.models import Event
from conferences.models import Conference
from tests.analytics.builders import DAY, NOON, on_sql, page_view, store
from tests.support.recount import FIGURES, count_days

pytestmark = pytest.mark.django_db

FEW = st.sampled_from


events_of_a_week = st.lists(
    st.builds(
        lambda event_id, kind, minutes, visitor, registration, bot: {
            "event_id": f"e{event_id}",
            "type": kind,
            "ts": NOON + dt.timedelta(minutes=minutes),
            "visitor_id": visitor,
            **({"registration_id": registration} if kind in ("registration", "checkin") else {}),
            "bot": bot,
        },
        st.integers(0, 60),
        FEW(["page_view", "registration", "checkin", "ai_chat", "share", "share_open"]),
        st.integers(-5000, 5000),
        FEW(["v1", "v2", "v3", None]),
        FEW(["r1", "r2", None]),
        FEW([False, False, False, True]),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(events_of_a_week, st.integers(1, 5))
def test_figures_equal_a_recount_in_any_order_of_arrival(
    conference: Conference, events: list[dict[str, Any]], parts: int
) -> None:
    Event.objects.all().delete()
    for part in range(parts):
        store(*events[part::parts], *events[:part])  # in parts, with repetitions

    stored = {event.event_id for event in Event.objects.all()}
    assert stored == {event["event_id"] for event in events}
    # Of several events with one id the first to arrive counts.
    arrived = [event for part in range(parts) for event in [*events[part::parts], *events[:part]]]
    expected = count_days(arrived, "Asia/Shanghai")
    for offset in range(-5, 6):
        date = DAY + dt.timedelta(days=offset)
        figures = compute_figures("summit", date)
        assert figures["uv"] <= figures["pv"]
        for name, value in expected.get(date.isoformat(), dict.fromkeys(FIGURES, 0)).items():
            assert figures[name] == value, (name, date)


def test_a_repeated_event_counts_once_for_pv_and_uv(conference: Conference) -> None:
    store(page_view("a"), page_view("a"))
    store(page_view("a"), page_view("b"), page_view("c", visitor_id="v2"))

    figures = compute_figures("summit", DAY)
    assert (figures["pv"], figures["uv"]) == (3, 2)


def test_each_page_view_without_visitor_is_a_visitor(conference: Conference) -> None:
    store(page_view("a", visitor_id=None), page_view("b", visitor_id=None))

    figures = compute_figures("summit", DAY)
    assert (figures["pv"], figures["uv"]) == (2, 2)


def test_registrations_and_checkins_are_distinct_by_registration(conference: Conference) -> None:
    registration = {"type": "registration", "ts": NOON, "visitor_id": "v1"}
    checkin = {"type": "checkin", "ts": NOON}
    store(
        {**registration, "event_id": "form", "registration_id": "r1"},
        {**registration, "event_id": "sdk", "registration_id": "r1"},
        {**registration, "event_id": "other", "registration_id": "r2"},
        {**registration, "event_id": "unknown"},
        {**checkin, "event_id": "door 1", "registration_id": "r1"},
        {**checkin, "event_id": "door 2", "registration_id": "r1"},
    )

    figures = compute_figures("summit", DAY)
    assert (figures["registrations"], figures["checkins"]) == (3, 1)


def test_bots_are_stored_and_counted_apart(conference: Conference) -> None:
    store(
        page_view("a", bot=True),
        page_view("b"),
        page_view("c", bot=True),
        {**page_view("d", bot=True), "type": "ai_chat"},
    )

    assert Event.objects.get(id__startswith="a/").is_bot
    figures = compute_figures("summit", DAY)
    assert {name: count for name, count in figures.items() if count} == {"pv": 1, "uv": 1, "bots": 2}


def test_another_conference_does_not_count(conference: Conference) -> None:
    store(page_view("a"), page_view("b", conference_id="other"))

    assert compute_figures("summit", DAY)["pv"] == 1


@on_sql
def test_a_day_is_counted_with_two_queries(conference: Conference, django_assert_num_queries: Any) -> None:
    from analytics.days import figures

    store(page_view("a"))
    providers, figures._providers[:] = list(figures._providers), []
    try:
        with django_assert_num_queries(2):
            compute_figures("summit", DAY)
    finally:
        figures._providers[:] = providers


def test_the_contracts_figures_come_first_in_its_order() -> None:
    contract = ["pv", "uv", "registrations", "checkins", "shares", "share_conversions"]
    names = figure_names()

    present = [name for name in contract if name in names]
    assert names[: len(present)] == present
    assert {"pv", "uv", "registrations", "checkins"} <= set(present)
    assert list(compute_figures("summit", DAY)) == names


def test_a_figure_that_is_defined_twice_is_refused() -> None:
    from analytics.days import figures

    before = list(figures._providers)
    figures_from("pv")(lambda conference_id, date: {"pv": 0})
    try:
        with pytest.raises(ValueError, match="defined twice"):
            figure_names()
    finally:
        figures._providers[:] = before
