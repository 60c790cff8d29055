"""Any sequence of deliveries, repeats and crashes ends in the state of each event delivered once."""

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import store
from analytics.days import redating, summaries
from analytics.events.rows import EventRow
from analytics.models import DailySummary, DirtyDay, Event, UnclaimedConference
from analytics.reactions import handlers, pipeline
from conferences.models import Conference
from tests.analytics.streams import NOON_MS, make_row
from tests.support.environment import STORE

HOUR_MS = 3_600_000
EXAMPLES = 60 if STORE == "sqlite" else 15


class Killed(BaseException):
    pass


@st.composite
def rows_of_one_id(draw: st.DrawFn, event_id: str) -> EventRow:
    """A row with this id. Rows with the same id may differ; the first one counts."""
    return make_row(
        event_id,
        ts_ms=NOON_MS + draw(st.sampled_from([0, 11, 13, 30])) * HOUR_MS,
        conference_id=draw(st.sampled_from(["summit", "summit", "unknown"])),
        subject=draw(st.sampled_from(["v1", "v2", "v3"])),
    )


events = st.sampled_from([f"e{number}" for number in range(8)]).flatmap(rows_of_one_id)
batches = st.lists(events, min_size=1, max_size=6)
crashes = st.sampled_from(
    ["none", "none", "before insert", "before the second look", "after insert", "after one reaction"]
)
deliveries = st.lists(st.tuples(batches, crashes, st.booleans()), min_size=1, max_size=5)


def deliver(rows: Sequence[EventRow], crash: str) -> None:
    """Make one attempt of a worker, which dies at the step `crash`."""
    registered = list(handlers._handlers)

    def die(rows: Sequence[EventRow]) -> None:
        raise Killed

    def insert_and_die(rows: Sequence[EventRow]) -> set[str]:
        insert_new(rows)
        raise Killed

    insert_new = store.insert_new
    place = {"after insert": 0, "after one reaction": 1}.get(crash)
    if place is not None:
        handlers._handlers.insert(place, (frozenset(), die))
    try:
        if crash == "before insert":
            raise Killed
        if crash == "before the second look":
            store.insert_new = insert_and_die
        pipeline.store_and_react(rows)
    except Killed:
        pass
    finally:
        handlers._handlers[:] = registered
        store.insert_new = insert_new


def copies(rows: Sequence[EventRow]) -> list[EventRow]:
    return [make_row(**{name: getattr(row, name) for name in EventRow.__struct_fields__}) for row in rows]


def state() -> tuple[object, ...]:
    """Return events and summaries, after all marked days are computed."""
    summaries.refresh_dirty_days()
    return (
        sorted(Event.objects.values_list("id", "conference_id", "ts", "local_date", "subject")),
        sorted(
            (day.id, sorted(day.figures.items()))
            for day in DailySummary.objects.all()
            if any(day.figures.values())
        ),
        sorted(UnclaimedConference.objects.values_list("conference_id", flat=True)),
        DirtyDay.objects.count(),
    )


def forget_all() -> None:
    for model in (Event, DailySummary, UnclaimedConference, DirtyDay):
        model.objects.all().delete()


@pytest.mark.django_db
@settings(max_examples=60 if STORE == "sqlite" else 15)
@given(deliveries=deliveries)
def test_repeats_and_crashes_end_in_the_same_state(
    conference: Conference, deliveries: list[tuple[list[EventRow], str, bool]]
) -> None:
    forget_all()
    first: dict[str, EventRow] = {}
    for rows, crash, refreshed_in_between in deliveries:
        stored_before = {event.id for event in Event.objects.all()}
        deliver(copies(rows), crash)
        if refreshed_in_between:
            summaries.refresh_dirty_days()
        deliver(copies(rows), "none")  # an entry is delivered until one attempt completes
        for row in rows:
            if row.key not in stored_before:
                first.setdefault(row.key, row)
    after_all = state()

    forget_all()
    for row in first.values():
        pipeline.store_and_react(copies([row]))
    assert after_all == state()


@pytest.mark.django_db
def test_control_reacting_only_to_new_events_differs(conference: Conference) -> None:
    row = make_row("a")
    deliver(copies([row]), "after insert")
    known = store.insert_new(copies([row]))
    new_only = [copy for copy in copies([row]) if copy.key not in known]
    pipeline.store_and_react(new_only)
    wrong = state()
    pipeline.store_and_react(copies([row]))
    assert state() != wrong


@pytest.mark.django_db
def test_the_first_event_with_a_repeated_id_counts(conference: Conference) -> None:
    outcome = pipeline.store_and_react([make_row("a", subject="first"), make_row("a", subject="second")])
    assert (outcome.stored, outcome.duplicate) == (1, 1)
    assert Event.objects.get().subject == "first"


@pytest.mark.django_db
def test_reactions_get_known_events_as_they_are_stored(
    conference: Conference,
) -> None:
    pipeline.store_and_react([make_row("a")])
    DirtyDay.objects.all().delete()
    pipeline.store_and_react([make_row("a", ts_ms=NOON_MS + 48 * HOUR_MS)])
    assert list(DirtyDay.objects.values_list("local_date", flat=True)) == [dt.date(2026, 5, 1)]


@pytest.mark.django_db
def test_an_event_stored_under_a_former_zone_is_redated(
    conference: Conference,
) -> None:
    """The zone changes and all events are redated between the worker's first look and its insert. Then the
    worker dies before its second look. The events are redelivered, and both looks see the new zone."""
    conference.time_zone = "UTC"
    conference.save()
    redating.redate_changed_conferences()
    night = NOON_MS + 13 * HOUR_MS  # May 1 in UTC, May 2 in Shanghai
    row = make_row("a", ts_ms=night)
    row.local_date = dt.date(2026, 5, 2)
    store.insert_new([row])  # what the worker did, which had seen Shanghai

    pipeline.store_and_react([make_row("a", ts_ms=night)])

    redating.redate_changed_conferences()
    assert Event.objects.get().local_date == dt.date(2026, 5, 1)
    summaries.refresh_dirty_days()
    assert DailySummary.objects.get(date=dt.date(2026, 5, 1)).figures["pv"] == 1


@pytest.mark.django_db
def test_an_unknown_zone_costs_no_other_conference(conference: Conference) -> None:
    other = Conference.objects.create(id="other", name="Other", time_zone="Moon/Tranquility")
    pipeline.store_and_react([make_row("a"), make_row("b", conference_id=other.id)])
    summaries.refresh_dirty_days()
    assert Event.objects.get(id__startswith="b/").local_date is None
    assert DailySummary.objects.get().figures["pv"] == 1
