"""Databases with rows in them are migrated from before natural keys, holds and standings to today."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.former_rows import FORMER, MAILS, NOON
from tests.support.system import System

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A database that was filled before, and migrated to the latest state."""
    system = System(tmp_path_factory.mktemp("migrated"), is_migrated=False)
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        system.environment["DATABASE_URL"] = server.create_database("former")
    system.valkey.start()
    for app, name in FORMER.items():
        system.manage("migrate", app, name, "--verbosity", "0")
    system.run_code("from tests.support.former_rows import fill; fill()")
    system.manage("migrate", "--verbosity", "0")
    yield system
    system.stop()


def ask(system: System, name: str) -> Any:
    """What a function of tests/support/migrated_rows.py returns."""
    code = f"from tests.support import migrated_rows; print(repr(migrated_rows.{name}()))"
    return ast.literal_eval(system.run_code(code).splitlines()[-1])


def test_events_are_keyed_and_own_ones_confirmed(migrated: System) -> None:
    assert ask(migrated, "events") == {
        "view-1/summit": ("v-1", False, "", False),
        "own:reg:r-approved/summit": ("r-approved", True, "", True),
        "own:reg:r-undone/summit": ("r-undone", True, "", True),
        "own:reg:r-cancelled/summit": ("r-cancelled", True, "", True),
        "own:reg:r-rejected/summit": ("r-rejected", True, "", True),
        "own:checkin:c-1/summit": ("r-approved", True, "", True),
        "own:checkin:c-2/summit": ("r-undone", True, "", True),
        "own:undone:c-2/summit": ("r-undone", True, "", True),
        "report-1/summit": ("r-reported", True, "", False),
    }
    assert ask(migrated, "undone") == {"registration_id": "r-undone", "checkin_event_id": "own:checkin:c-2"}


def test_other_rows_of_analytics_keep_their_keys(migrated: System) -> None:
    assert ask(migrated, "analytics") == [
        ["summit"], ["mark-1"], ["1-0"], ["checkin", "reg", "undone"], ["not-there"],
        ("summit:2026-05-01", {"pv": 7}, 3),
    ]  # fmt: skip


def test_notifications_keep_only_their_own_facts(migrated: System) -> None:
    reminder = {"hours_before": 24, "starts_at": NOON.isoformat()}
    assert ask(migrated, "notifications") == (MAILS, [("checkin_reminder", reminder)])


def test_registrations_and_check_ins_get_what_is_new(migrated: System) -> None:
    assert ask(migrated, "registrations") == [
        ("r-approved", 0, None, True),
        ("r-cancelled", 1, "2026-05-01T07:00:00+00:00", True),
        ("r-rejected", 1, "2026-05-01T04:00:00+00:00", True),
        ("r-undone", 0, None, True),
    ]
    assert ask(migrated, "check_ins")


def test_sharing_keeps_owners_and_credits(migrated: System) -> None:
    assert ask(migrated, "sharing") == [
        ["share-1/summit"], ["open-1/summit"], ("ann", -2, -2, 2),
        ("own:reg:r-approved", "own:reg:r-approved", True, False), [False, True], 2, 0,
    ]  # fmt: skip


def test_data_steps_may_run_again(migrated: System) -> None:
    before = ask(migrated, "state")
    ask(migrated, "run_data_steps_again")
    assert ask(migrated, "state") == before


def test_an_own_event_that_was_sent_again_stays_one(migrated: System) -> None:
    before = ask(migrated, "events")
    ask(migrated, "add_former_twin")
    assert len(ask(migrated, "events")) == len(before) + 1
    ask(migrated, "run_data_steps_again")
    assert ask(migrated, "events") == before


def test_the_sweep_withdraws_what_was_cancelled_before(migrated: System) -> None:
    """Four registrations are our own, and two of them were withdrawn; one is a client's report."""
    before = {"registrations": 5, "registrations_reported": 1, "checkins": 1, "present": 1, "held": 0}
    assert ask(migrated, "attendance") == before
    assert ask(migrated, "sweep") == 3, "all own events but these and an entry are known"
    assert ask(migrated, "attendance") == {**before, "registrations": 3}
    assert ask(migrated, "sweep") == 0
