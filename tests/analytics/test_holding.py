"""Held reports: organizers release or void them, through the service, the API and the admin."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from analytics import holding
from analytics.days.figures import compute_figures
from analytics.days.summaries import refresh_dirty_days
from analytics.events.rows import EventRow
from analytics.models import DailySummary, DirtyDay, Event, HoldDecision
from analytics.reactions.pipeline import store_and_react
from analytics.selectors.held import find_held
from conferences.models import Conference
from tests.analytics.builders import DAY, NOON, on_sql, to_row

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User | None], APIClient]
HELD = "/api/analytics/held"
IN_SUMMIT = {"conference_id": "summit"}


@pytest.fixture(autouse=True)
def _quota(settings: Any) -> None:
    settings.REPORTS_PER_CLIENT_HOUR, settings.REPORTS_PER_CONFERENCE_HOUR = 5, 0


def report(number: int, **fields: Any) -> EventRow:
    event = {
        "event_id": f"e{number:04d}",
        "type": "registration",
        "ts": NOON,
        "registration_id": f"r{number}",
    }
    row = to_row({**event, **fields})
    row.client = f"thief of {row.conference_id}"
    return row


def report_many(count: int, **fields: Any) -> None:
    """`count` reports of one client, of which five count."""
    store_and_react([report(number, **fields) for number in range(count)])


def figures() -> tuple[int, int]:
    """Return registrations and held reports of 1 May."""
    found = compute_figures("summit", DAY)
    return found["registrations"], found["held"]


def decide(action: str, *event_ids: str, now: dt.datetime | None = None) -> HoldDecision:
    return holding.decide(
        conference_id="summit", action=HoldDecision.Action(action), event_ids=event_ids, reason="",
        by="alice", now=now,
    )  # fmt: skip


def expire_leases() -> None:
    """As if the time of a dead worker's lease had passed."""
    past = timezone.now() - dt.timedelta(seconds=1)
    HoldDecision.objects.exclude(lease_until=None).update(lease_until=past)


def test_released_reports_count_and_raise_the_revision(conference: Conference) -> None:
    report_many(8)
    refresh_dirty_days()
    decision = decide("release", "e0006", "e0001", "none")
    assert holding.carry_out_decisions() is False
    refresh_dirty_days()

    summary = DailySummary.objects.get()
    assert (summary.figures["registrations"], summary.figures["held"], summary.revision) == (6, 2, 2)
    decision.refresh_from_db()
    assert decision.event_count == 1, "one of these three was held"


def test_all_held_reports_are_released_in_slices(conference: Conference, monkeypatch: Any) -> None:
    monkeypatch.setattr(holding, "MAX_EVENTS", 4)
    report_many(20)
    decision = decide("release")
    holding.carry_out_decisions()

    decision.refresh_from_db()
    assert decision.done_at is not None
    assert decision.event_count == 15
    assert figures() == (20, 0)


def test_a_long_decision_is_continued_by_the_next_run(conference: Conference, monkeypatch: Any) -> None:
    monkeypatch.setattr(holding, "MAX_EVENTS", 4)
    monkeypatch.setattr(holding, "RUN_SECONDS", 0)
    report_many(20)
    decision = decide("release")
    runs = 0
    while holding.carry_out_decisions():
        runs += 1
        assert find_held("summit").count() == max(0, 15 - 4 * runs)
        assert runs < 10
    assert runs == 4
    decision.refresh_from_db()
    assert decision.event_count == 15
    assert figures() == (20, 0)


def test_voided_reports_never_count_unless_they_are_released(conference: Conference) -> None:
    report_many(8)
    decide("void")
    holding.carry_out_decisions()
    assert figures() == (5, 0)
    assert Event.objects.count() == 8

    decide("release", "e0007")
    holding.carry_out_decisions()
    assert figures() == (6, 0)


@pytest.mark.parametrize("is_for_all", [False, True])
def test_a_release_interrupted_before_its_reactions_is_repeated(
    conference: Conference, is_for_all: bool, monkeypatch: Any
) -> None:
    report_many(8)
    refresh_dirty_days()
    decision = decide("release", *([] if is_for_all else ["e0005", "e0006", "e0007"]))

    def die(rows: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(holding.handlers, "react", die)
        with pytest.raises(SystemExit):
            holding.carry_out_decisions()
    assert not DirtyDay.objects.exists(), "the control: the events changed, and no day is marked"

    holding.carry_out_decisions()
    assert not DirtyDay.objects.exists(), "the dead worker's lease still runs"
    expire_leases()
    holding.carry_out_decisions()
    refresh_dirty_days()
    assert DailySummary.objects.get().figures["registrations"] == 8
    decision.refresh_from_db()
    assert decision.event_count == 3


def test_a_failing_decision_costs_no_other_conference_its_own(
    conference: Conference, alice: User, monkeypatch: Any
) -> None:
    Conference.objects.create(id="other", name="Other", time_zone="Asia/Shanghai")
    report_many(8)
    report_many(8, conference_id="other")
    decide("release")
    holding.decide(
        conference_id="other", action=HoldDecision.Action.VOID, event_ids=[], reason="", by="alice"
    )

    def fail(rows: Any) -> None:
        raise ValueError("a handler fails")

    monkeypatch.setattr(holding.handlers, "react", fail)
    holding.carry_out_decisions()
    assert HoldDecision.objects.get(conference_id="summit").done_at is None
    assert HoldDecision.objects.get(conference_id="other").done_at is not None
    assert find_held("other").count() == 0


def race(conference: Conference) -> HoldDecision:
    """Two workers carry out one decision about 400 reports at once."""
    report_many(405)
    decision = decide("release")
    together = threading.Barrier(2)

    def work() -> None:
        try:
            together.wait(20)
            holding.carry_out_decisions()
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    decision.refresh_from_db()
    return decision


def test_two_workers_at_once_count_each_report_once(conference: Conference, monkeypatch: Any) -> None:
    monkeypatch.setattr(holding, "MAX_EVENTS", 20)
    decision = race(conference)
    assert decision.done_at is not None
    assert decision.event_count == 400
    assert decision.attempts == 1
    assert figures() == (405, 0)


def test_decisions_of_a_conference_are_carried_out_in_order(conference: Conference) -> None:
    report_many(8)
    first = decide("release")
    second = decide("void")
    HoldDecision.objects.filter(pk=first.pk).update(lease_until=timezone.now() + dt.timedelta(minutes=1))
    holding.carry_out_decisions()
    second.refresh_from_db()
    assert second.done_at is None, "another worker is at the first one"
    expire_leases()
    holding.carry_out_decisions()
    assert figures() == (8, 0)


@on_sql
def test_held_reports_are_found_by_their_own_index(conference: Conference) -> None:
    report_many(8)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which else scans a table of eight rows
            cursor.execute("SET enable_seqscan = off")
        plan = find_held("summit")[:5].explain()
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    assert "event_held" in plan


# --- The API ------------------------------------------------------------------------------------------------


def test_an_owner_lists_and_releases_held_reports(
    conference: Conference, alice: User, bob: User, charlie: User, api: Api
) -> None:
    report_many(8)
    listed = api(bob).get(HELD, {**IN_SUMMIT, "page_size": 2}).json()
    assert [item["event_id"] for item in listed["results"]] == ["e0005", "e0006"]
    following = api(bob).get(HELD, {**IN_SUMMIT, "page_size": 2, "cursor": listed["next"]}).json()
    assert [item["event_id"] for item in following["results"]] == ["e0007"]

    body = {**IN_SUMMIT, "action": "release", "reason": "known"}
    assert api(bob).post(HELD, body, format="json").status_code == 403
    assert api(charlie).post(HELD, body, format="json").status_code == 404
    answer = api(alice).post(HELD, body, format="json")
    assert (answer.status_code, answer.json()["decided_by"]) == (202, "alice")
    holding.carry_out_decisions()
    assert figures() == (8, 0)
    assert api(bob).get(HELD, IN_SUMMIT).json()["results"] == []


def test_every_decision_stays_in_the_history(
    conference: Conference, alice: User, bob: User, charlie: User, api: Api
) -> None:
    report_many(8)
    for body in ({"action": "void", "reason": "500 fakes"}, {"action": "release", "event_ids": ["e0007"]}):
        assert api(alice).post(HELD, {**IN_SUMMIT, **body}, format="json").status_code == 202
    holding.carry_out_decisions()
    listed = api(bob).get(HELD, {**IN_SUMMIT, "hold": "void"}).json()["results"]
    assert [item["event_id"] for item in listed] == ["e0005", "e0006"]

    history = api(bob).get(f"{HELD}/decisions", IN_SUMMIT).json()["results"]
    assert [(row["action"], row["event_count"], row["reason"], row["decided_by"]) for row in history] == [
        ("release", 1, "", "alice"), ("void", 3, "500 fakes", "alice"),
    ]  # fmt: skip
    assert all(row["done_at"] for row in history)
    assert api(charlie).get(f"{HELD}/decisions", IN_SUMMIT).status_code == 404


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"action": "forgive"}, "action"),
        ({"action": "void", "event_ids": ["x"] * 501}, "event_ids"),
        ({"action": "void", "event": ["x"]}, "event"),
    ],
)
def test_a_bad_decision_gets_400_by_name(
    conference: Conference, alice: User, api: Api, fields: dict[str, Any], named: str
) -> None:
    answer = api(alice).post(HELD, {**IN_SUMMIT, **fields}, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == {named}


# --- The admin ----------------------------------------------------------------------------------------------

PAGE = "admin:analytics_heldreport_changelist"


def act(client: Client, action: str, *keys: str, across: bool = False, query: str = "") -> Any:
    body = {
        "action": action, "reason": "a stand without network", "_selected_action": list(keys),
        "select_across": "1" if across else "0", "index": "0",
    }  # fmt: skip
    return client.post(f"{reverse(PAGE)}{query}", body, follow=True)


def test_operators_decide_about_ticked_reports_with_a_reason(
    conference: Conference, admin_client: Client
) -> None:
    report_many(8)
    page = admin_client.get(reverse(PAGE))
    assert [item.event_id for item in page.context["cl"].result_list] == ["e0005", "e0006", "e0007"]
    act(admin_client, "release", "e0006/summit")
    act(admin_client, "void", "e0007/summit", "e0005/summit")
    holding.carry_out_decisions()
    assert figures() == (6, 0)
    history = HoldDecision.objects.order_by("decided_at")
    assert [(row.action, row.event_count, row.reason, row.decided_by) for row in history] == [
        ("release", 1, "a stand without network", "admin"),
        ("void", 2, "a stand without network", "admin"),
    ]


def test_a_bulk_decision_is_one_row_for_each_conference(conference: Conference, admin_client: Client) -> None:
    Conference.objects.create(id="other", name="Other", time_zone="Asia/Shanghai")
    report_many(8)
    report_many(8, conference_id="other")
    assert "e0005" in admin_client.get(reverse(PAGE), {"q": "other"}).content.decode()
    act(admin_client, "release", "e0005/other", across=True, query="?q=other")
    holding.carry_out_decisions()
    assert figures() == (5, 3)
    assert compute_figures("other", DAY)["registrations"] == 8
    act(admin_client, "void", "e0005/summit", across=True)
    holding.carry_out_decisions()
    assert figures() == (5, 0)
    decisions = HoldDecision.objects.order_by("decided_at").values_list(
        "conference_id", "is_for_all", "event_count"
    )
    assert list(decisions) == [("other", True, 3), ("summit", True, 3)]


def test_staff_without_the_permission_cannot_decide(conference: Conference) -> None:
    report_many(8)
    staff = User.objects.create_user("staff", is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get(reverse(PAGE)).status_code == 403
    act(client, "release", "e0006/summit")
    assert not HoldDecision.objects.exists()
