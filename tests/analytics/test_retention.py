"""Retention of events: a day whose events are gone keeps its figures, and what decides stays."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from analytics import preparing
from analytics import retention as events_retention
from analytics.days import redating, summaries
from analytics.days.sealing import read_sealed_before
from analytics.models import DailySummary, DirtyDay, Event, Segment
from analytics.ranges.segments import make_segment
from analytics.reactions.pipeline import store_and_react
from analytics.selectors.summary import BeyondRetentionError, get_panel, get_summary
from conferences import services
from conferences.models import Conference
from conferences.services import retention
from sharing.services.rebuilding import rebuild
from tests.analytics.builders import DAY, NOON, own_row, page_view, store, to_row
from tests.console.builders import build_branch

pytestmark = pytest.mark.django_db

ONE_DAY = dt.timedelta(days=1)
NOW = NOON + dt.timedelta(days=100)
KEPT = 40


@pytest.fixture
def branch(conference: Conference) -> Conference:
    """Registrations with credits, page views of people and a bot on DAY, two more page views a day later."""
    build_branch(conference)
    store(
        page_view("p2"), page_view("p3", visitor_id="v3"), page_view("bot", bot=True, visitor_id="b"),
        page_view("next1", ts=NOON + ONE_DAY), page_view("next2", ts=NOON + ONE_DAY, visitor_id="v2"),
        {"event_id": "chat", "type": "ai_chat", "ts": NOON, "visitor_id": "v3"},
    )  # fmt: skip
    settle()
    return conference


def settle() -> None:
    redating.redate_changed_conferences()
    summaries.refresh_dirty_days()


def delete_old(
    conference: Conference, *, days: int = KEPT, now: dt.datetime = NOW, seconds: float = 20
) -> bool:
    conference.refresh_from_db()
    retention.set_retention(conference, now=now - retention.GRACE, keep_events_days=days)
    settle()
    return retention.delete_due(now=now, seconds=seconds)


def figures_of(date: dt.date = DAY) -> dict[str, int]:
    return DailySummary.objects.get(date=date).figures


def test_page_views_go_and_what_decides_stays(branch: Conference) -> None:
    before = figures_of()
    assert (before["pv"], before["uv"], before["bots"], before["ai_chats"]) == (3, 3, 1, 1)
    assert delete_old(branch) is False
    assert set(Event.objects.values_list("type", flat=True)) == {"share", "share_open", "registration"}
    assert figures_of() == before
    assert read_sealed_before(branch.id) == DAY + 2 * ONE_DAY


def test_nothing_recomputes_a_sealed_day_to_zeros(branch: Conference) -> None:
    before = figures_of(), figures_of(DAY + ONE_DAY)
    delete_old(branch)
    summaries.compute_range(branch.id, DAY - ONE_DAY, DAY + 2 * ONE_DAY)
    redating.redate_conference(branch.id, branch.time_zone)
    settle()
    summaries.close_ended_days(now=NOW)
    rebuild(branch.id)
    settle()
    assert (figures_of(), figures_of(DAY + ONE_DAY)) == before


def test_a_withdrawal_still_lowers_a_sealed_day(branch: Conference, alice: User) -> None:
    before = figures_of()
    delete_old(branch)
    revision = DailySummary.objects.get(date=DAY).revision
    store_and_react(
        [
            own_row(
                {
                    "event_id": "own:standing:state:x:1", "type": "registration_standing", "ts": NOW,
                    "registration_id": registered_id(), "stands": False, "version": 1, "source": "state",
                }
            )
        ]
    )  # fmt: skip
    settle()
    after = DailySummary.objects.get(date=DAY)
    assert after.figures["registrations"] == before["registrations"] - 1
    assert (after.figures["pv"], after.figures["uv"]) == (before["pv"], before["uv"])
    assert after.revision == revision + 1


def registered_id() -> str:
    found = Event.objects.filter(type="registration").order_by("id").values_list("subject", flat=True).first()
    assert found is not None
    return found


def test_a_computation_that_raced_with_the_deletion_writes_no_zeros(
    branch: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count sees the day empty. Control: without asking whether it is sealed, zeros are written."""
    before = figures_of()
    counting = summaries.compute_figures

    def delete_then_count(conference_id: str, date: dt.date) -> dict[str, int]:
        monkeypatch.setattr(summaries, "compute_figures", counting)
        delete_old(branch)
        return counting(conference_id, date)

    monkeypatch.setattr(summaries, "compute_figures", delete_then_count)
    summaries.compute_day(branch.id, DAY)
    assert figures_of() == before

    monkeypatch.setattr(summaries, "is_sealed", lambda *_: False)
    summaries.compute_day(branch.id, DAY)
    assert figures_of()["pv"] == 0


def test_a_day_that_waits_to_be_computed_is_not_deleted(branch: Conference) -> None:
    branch.refresh_from_db()
    retention.set_retention(branch, now=NOW - retention.GRACE, keep_events_days=KEPT)
    settle()
    store(page_view("late", visitor_id="late"))  # beyond what is kept: left out
    assert not DirtyDay.objects.exists()
    assert not Event.objects.filter(id__startswith="late/").exists()

    Conference.objects.update(keep_events_days=None)
    store(page_view("late", visitor_id="late"))
    Conference.objects.update(keep_events_days=KEPT)
    retention.delete_due(now=NOW)
    assert Event.objects.filter(type="page_view").count() == 7
    settle()
    retention.delete_due(now=NOW)
    assert not Event.objects.filter(type="page_view").exists()
    assert figures_of()["pv"] == 4


def test_an_interrupted_run_is_finished_by_the_next(
    branch: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = figures_of()
    monkeypatch.setattr(events_retention, "_ROWS_AT_ONCE", 1)
    assert delete_old(branch, seconds=0) is True
    assert (
        0 < Event.objects.filter(local_date=DAY).exclude(type__in=events_retention.LASTING_TYPES).count() < 5
    )
    summaries.compute_day(branch.id, DAY)
    assert figures_of() == before
    for _ in range(10):
        if not retention.delete_due(now=NOW, seconds=0):
            break
    assert not Event.objects.exclude(type__in=events_retention.LASTING_TYPES).exists()
    assert figures_of() == before


def test_an_import_of_older_lines_is_left_out_by_count(branch: Conference) -> None:
    delete_old(branch)
    recent = timezone.now() - 35 * ONE_DAY
    result = store_and_react([to_row(page_view("old")), to_row(page_view("new", ts=recent))])
    assert (result.stored, result.duplicate, result.expired) == (1, 0, 1)
    Conference.objects.update(keep_events_days=None)  # sealed days stay sealed
    assert store_and_react([to_row(page_view("old"))]).expired == 1


def test_a_changed_zone_moves_no_view_into_a_sealed_day(branch: Conference) -> None:
    """Shanghai to New York: the noon of a day becomes the midnight before."""
    before = figures_of()
    Conference.objects.update(events_deleted_before=DAY + ONE_DAY)
    Event.objects.filter(local_date=DAY).exclude(type__in=events_retention.LASTING_TYPES).delete()
    store(page_view("early", ts=NOON + dt.timedelta(hours=13)))  # 01:00 of the next day
    settle()
    views = figures_of(DAY + ONE_DAY)["pv"]
    branch.refresh_from_db()
    services.update_conference(branch, time_zone="America/New_York")
    settle()
    assert figures_of(DAY + ONE_DAY)["pv"] == views
    assert figures_of()["pv"] == before["pv"]


def test_ranges_beyond_retention_are_refused_by_name(branch: Conference, alice: User, api: Any) -> None:
    get_summary(branch, first=DAY, last=DAY + ONE_DAY, now=NOW)
    assert Segment.objects.count() == 2
    store(page_view("kept", ts=NOON + 70 * ONE_DAY))
    delete_old(branch)
    assert not Segment.objects.exists()
    make_segment(branch.id, DAY)  # by somebody who asked before the day was sealed
    assert preparing.sweep_segments() >= 1
    assert not Segment.objects.exists()
    branch.refresh_from_db()
    with pytest.raises(BeyondRetentionError):
        get_panel(branch, "pages", first=DAY, last=DAY, limit=5, now=NOW)
    asked = {"conference_id": "summit", "from": DAY, "to": DAY + 70 * ONE_DAY}
    answer = api(alice).get("/api/analytics/summary", asked)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "beyond_retention"
    assert answer.json()["error"]["details"] == {"first_kept": "2026-05-03"}
    days = api(alice).get("/api/analytics/daily", asked).json()["results"]
    assert sum(day["pv"] for day in days) == 6
    first = DAY + 3 * ONE_DAY
    found = get_summary(branch, first=first, last=DAY + 70 * ONE_DAY, compare=True, now=NOW)
    assert (found.totals.pv, found.comparison) == (1, None)


def test_credits_and_the_tree_are_rebuilt_after_deletion(branch: Conference) -> None:
    from sharing.models import Credit

    def credits() -> list[Any]:
        return sorted(Credit.objects.values_list("conversion_id", "link_id", "distance"))

    before = credits()
    assert before
    delete_old(branch)
    rebuild(branch.id)
    assert credits() == before
