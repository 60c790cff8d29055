"""Daily summaries: dirty days are computed, no event that arrives meanwhile is lost, and days are closed."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from analytics.days import figures
from analytics.days.dirty import mark_days_dirty
from analytics.days.summaries import close_ended_days, compute_day, compute_range, refresh_dirty_days
from analytics.models import DailySummary, DirtyDay
from conferences import services
from conferences.models import Conference
from tests.analytics.builders import DAY, NOON, page_view, store

pytestmark = pytest.mark.django_db


def summary(date: dt.date = DAY, conference_id: str = "summit") -> DailySummary:
    return DailySummary.objects.get(id=f"{conference_id}:{date.isoformat()}")


@contextmanager
def with_provider(provider: figures.Provider) -> Iterator[None]:
    before = list(figures._providers)
    figures.figures_from()(provider)
    try:
        yield
    finally:
        figures._providers[:] = before


@contextmanager
def while_figures_are_computed(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` once in the middle of a computation, after the events are counted and before any write."""
    pending = [act]

    def provider(conference_id: str, date: dt.date) -> dict[str, int]:
        if pending:
            pending.pop()()
        return {}

    with with_provider(provider):
        yield
    assert not pending, "nothing was computed"


@contextmanager
def while_the_day_is_poison() -> Iterator[None]:
    """Make computing DAY fail; other days can be computed."""

    def provider(conference_id: str, date: dt.date) -> dict[str, int]:
        if date == DAY:
            raise RuntimeError("this day is poison")
        return {}

    with with_provider(provider):
        yield


def test_a_refresh_computes_the_days_of_new_events(conference: Conference) -> None:
    store(page_view("a"), page_view("b", ts=NOON - dt.timedelta(days=1)))

    assert refresh_dirty_days() == 2
    assert not DirtyDay.objects.exists()
    assert summary().figures["pv"] == 1
    assert summary(DAY - dt.timedelta(days=1)).figures["pv"] == 1
    assert refresh_dirty_days() == 0


def test_an_event_counts_on_the_conferences_own_day(conference: Conference) -> None:
    midnight = dt.datetime(2026, 4, 30, 16, tzinfo=dt.UTC)  # in Shanghai
    store(page_view("a", ts=midnight - dt.timedelta(milliseconds=1)), page_view("b", ts=midnight))
    refresh_dirty_days()

    assert (summary(dt.date(2026, 4, 30)).figures["pv"], summary(DAY).figures["pv"]) == (1, 1)


def test_a_late_event_changes_only_its_day(conference: Conference) -> None:
    store(page_view("a"))
    refresh_dirty_days()
    close_ended_days(now=NOON + dt.timedelta(days=1))
    closed_at = summary().closed_at
    assert closed_at is not None
    revision = summary().revision

    store(page_view("late", visitor_id="v2"))
    refresh_dirty_days()

    assert summary().figures["pv"] == 2
    assert summary().revision == revision + 1
    assert summary().closed_at == closed_at


def test_the_revision_rises_only_when_a_figure_changed(conference: Conference) -> None:
    store(page_view("a"))
    refresh_dirty_days()
    assert summary().revision == 1

    store(page_view("a"))  # sent again
    mark_days_dirty([("summit", DAY)])
    assert refresh_dirty_days() == 1
    assert (summary().revision, summary().computations) == (1, 2)

    for number, (event, bot) in enumerate([("b", False), ("bot", True)], start=2):
        store(page_view(event, bot=bot))
        refresh_dirty_days()
        assert summary().revision == number


def test_a_new_figure_of_0_is_no_change(conference: Conference) -> None:
    store(page_view("a"))
    refresh_dirty_days()
    former = {name: value for name, value in summary().figures.items() if value}
    DailySummary.objects.filter(id=summary().id).update(figures=former)

    assert compute_day("summit", DAY).revision == 1
    assert summary().figures != former


def test_many_marks_of_a_day_cost_one_computation(conference: Conference) -> None:
    for number in range(20):
        store(page_view(f"e{number}"))

    assert DirtyDay.objects.count() == 20
    assert refresh_dirty_days() == 1
    assert summary().computations == 1


def refresh_naively() -> None:
    """Compute the dirty days, then clear their marks: the obvious but wrong order."""
    for conference_id, date in set(DirtyDay.objects.values_list("conference_id", "local_date")):
        assert date is not None
        compute_day(conference_id, date)
        DirtyDay.objects.filter(conference_id=conference_id, local_date=date).delete()


def test_an_event_between_computing_and_clearing_is_kept(conference: Conference) -> None:
    store(page_view("a"))
    with while_figures_are_computed(lambda: store(page_view("b"))):
        refresh_dirty_days()
    refresh_dirty_days()

    assert summary().figures["pv"] == 2


def test_control_clearing_marks_after_computing_loses_events(conference: Conference) -> None:
    store(page_view("a"))
    with while_figures_are_computed(lambda: store(page_view("b"))):
        refresh_naively()
    refresh_naively()

    assert summary().figures["pv"] == 1  # two are stored
    assert not DirtyDay.objects.exists()  # and no mark will ever say so


def test_older_figures_never_replace_newer_ones(conference: Conference) -> None:
    store(page_view("a"))
    compute_day("summit", DAY)

    def another_worker() -> None:
        store(page_view("b"))
        compute_day("summit", DAY)

    with while_figures_are_computed(another_worker):
        compute_day("summit", DAY)

    assert summary().figures["pv"] == 2
    assert summary().revision == 2


def test_control_a_blind_write_lets_older_figures_win(conference: Conference) -> None:
    store(page_view("a"))
    compute_day("summit", DAY)

    def another_worker() -> None:
        store(page_view("b"))
        compute_day("summit", DAY)

    with while_figures_are_computed(another_worker):
        counted = figures.compute_figures("summit", DAY)
        DailySummary.objects.filter(id=DailySummary.key("summit", DAY)).update(figures=counted)

    assert summary().figures["pv"] == 1


def test_one_of_two_first_computations_creates_the_summary(conference: Conference) -> None:
    store(page_view("a"))

    def another_worker() -> None:
        store(page_view("b"))
        compute_day("summit", DAY)

    with while_figures_are_computed(another_worker):
        compute_day("summit", DAY)

    assert summary().figures["pv"] == 2


def test_a_failing_day_stays_dirty_and_delays_no_other(conference: Conference) -> None:
    store(page_view("a"), page_view("b", ts=NOON - dt.timedelta(days=1)))
    with while_the_day_is_poison():
        assert refresh_dirty_days() == 1
    assert list(DirtyDay.objects.values_list("local_date", flat=True)) == [DAY]
    assert refresh_dirty_days() == 1
    assert summary().figures["pv"] == 1


def test_a_failing_day_with_many_marks_delays_no_other(
    conference: Conference,
) -> None:
    mark_days_dirty([("summit", DAY)] * 6000)  # as many deliveries leave them
    store(page_view("a"), page_view("b", ts=NOON - dt.timedelta(days=1)))
    with while_the_day_is_poison():
        assert refresh_dirty_days() == 1


def test_a_refresh_ends_early_unless_days_waited_long(conference: Conference) -> None:
    store(*(page_view(f"e{days}", ts=NOON - dt.timedelta(days=days)) for days in range(5)))
    assert refresh_dirty_days(usual_seconds=0) == 0
    long_ago = timezone.now() - dt.timedelta(seconds=30)
    DirtyDay.objects.filter(local_date=DAY - dt.timedelta(days=3)).update(marked_at=long_ago)
    assert refresh_dirty_days(usual_seconds=0) == 1
    assert DailySummary.objects.get().date == DAY - dt.timedelta(days=3)


def test_the_next_refresh_continues_one_out_of_time(conference: Conference) -> None:
    store(*(page_view(f"e{days}", ts=NOON - dt.timedelta(days=days)) for days in range(5)))

    assert refresh_dirty_days(max_seconds=1e-9) <= 1
    assert refresh_dirty_days() >= 4
    assert DailySummary.objects.count() == 5


def test_a_failing_day_closes_later_and_delays_no_other(conference: Conference) -> None:
    store(page_view("a"), page_view("b", ts=NOON - dt.timedelta(days=1)))
    refresh_dirty_days()
    tomorrow = NOON + dt.timedelta(days=1)

    def provider(conference_id: str, date: dt.date) -> dict[str, int]:
        if date < DAY:
            raise RuntimeError("this day is poison")
        return {}

    with with_provider(provider):
        assert close_ended_days(now=tomorrow) == 1
    assert summary().closed_at is not None
    assert close_ended_days(now=tomorrow) == 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-05-01", 24)])
def test_a_day_has_the_hours_that_its_clocks_showed(conference: Conference, day: str, hours: int) -> None:
    services.update_conference(conference, time_zone="America/New_York")
    before = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) - dt.timedelta(hours=24)
    store(*(page_view(f"e{hour}", ts=before + dt.timedelta(hours=hour, minutes=30)) for hour in range(84)))
    refresh_dirty_days()

    assert summary(dt.date.fromisoformat(day)).figures["pv"] == hours
    assert sum(found.figures["pv"] for found in DailySummary.objects.all()) == 84


@pytest.mark.usefixtures("alice")
def test_a_day_is_closed_when_it_ends_locally() -> None:
    for number, zone in enumerate(["Pacific/Kiritimati", "Asia/Shanghai", "Pacific/Pago_Pago"]):
        Conference.objects.create(id=f"c{number}", name=zone, time_zone=zone)
        store(page_view(f"e{number}", conference_id=f"c{number}"))
    refresh_dirty_days()
    days = dict(DailySummary.objects.values_list("conference_id", "date"))
    assert days == {"c0": DAY, "c1": DAY, "c2": DAY - dt.timedelta(days=1)}

    def closed() -> set[str]:
        return set(
            DailySummary.objects.filter(closed_at__isnull=False).values_list("conference_id", flat=True)
        )

    close_ended_days(now=dt.datetime(2026, 5, 1, 9, 59, tzinfo=dt.UTC))
    assert closed() == set()
    close_ended_days(now=dt.datetime(2026, 5, 1, 10, 0, tzinfo=dt.UTC))  # midnight in Kiritimati
    assert closed() == {"c0"}
    close_ended_days(now=dt.datetime(2026, 5, 1, 16, 0, tzinfo=dt.UTC))
    assert closed() == {"c0", "c1", "c2"}


def test_the_next_tick_catches_up_on_missed_days(conference: Conference) -> None:
    store(*(page_view(f"e{days}", ts=NOON - dt.timedelta(days=days)) for days in range(5)))
    refresh_dirty_days()

    assert close_ended_days(now=NOON) == 4
    assert list(DailySummary.objects.filter(closed_at=None).values_list("date", flat=True)) == [DAY]
    assert close_ended_days(now=NOON) == 0


def test_closing_computes_once_more(conference: Conference) -> None:
    store(page_view("a"))
    refresh_dirty_days()
    store(page_view("b"))

    close_ended_days(now=NOON + dt.timedelta(days=1))

    assert summary().figures["pv"] == 2


def test_a_range_is_computed_even_if_nothing_is_dirty(conference: Conference) -> None:
    store(page_view("a"))
    DirtyDay.objects.all().delete()

    assert compute_range("summit", DAY - dt.timedelta(days=2), DAY) == 3
    assert [found.figures["pv"] for found in DailySummary.objects.order_by("date")] == [0, 0, 1]
    assert compute_range("summit", DAY, DAY - dt.timedelta(days=1)) == 0


def test_a_summary_says_when_it_was_computed(conference: Conference) -> None:
    before = timezone.now()
    store(page_view("a"))
    refresh_dirty_days()

    assert before <= summary().computed_at <= timezone.now()
