"""Offline scanners: the earlier scan is the check-in, whichever arrives first."""

import datetime as dt
import itertools

import pytest
from django.contrib.auth.models import User

from conferences.models import CheckIn, Conference, Registration
from conferences.services.checkins import check_in, correct_clock, undo_check_in
from conferences.services.registrations import register
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2027, 5, 18, 4, tzinfo=dt.UTC)  # in Shanghai
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return register(
        conference=conference, name="Ann", email="ann@example.com", now=NOON - dt.timedelta(days=1)
    ).registration


def active() -> list[tuple[str, dt.datetime]]:
    return list(CheckIn.objects.filter(undone_at=None).values_list("gate", "checked_in_at"))


SCANS = {"North": NOON, "South": NOON + 10 * MINUTE, "East": NOON + 20 * MINUTE}


@pytest.mark.parametrize("order", list(itertools.permutations(SCANS)))
def test_the_earliest_scan_wins_in_any_order(ann: Registration, bob: User, order: tuple[str, ...]) -> None:
    for place, gate in enumerate(order):
        check_in(ann.id, by=bob, gate=gate, scanned_at=SCANS[gate], now=NOON + (60 + place) * MINUTE)
    assert active() == [("North", NOON)]
    undone = CheckIn.objects.exclude(undone_at=None)
    assert all(found.superseded_by is not None for found in undone)
    again = check_in(ann.id, by=bob, gate="East", scanned_at=SCANS["East"], now=NOON + 90 * MINUTE)
    assert (again.created, again.check_in.gate) == (False, "North")


def test_a_scan_without_a_time_supersedes_nothing(ann: Registration, bob: User) -> None:
    check_in(ann.id, by=bob, gate="North", now=NOON)
    late = check_in(ann.id, by=bob, gate="South", now=NOON - MINUTE)  # a clock that was set back
    assert (late.created, late.check_in.gate) == (False, "North")


@pytest.mark.parametrize(
    ("scanned", "sent", "expected"),
    [
        (NOON, None, NOON),
        (NOON, NOON + 50 * MINUTE, NOON + 10 * MINUTE),  # the scanner's clock is ten minutes slow
        (NOON + 5 * MINUTE, NOON + 65 * MINUTE, NOON),  # five minutes fast
        (NOON + 90 * MINUTE, None, NOON + 60 * MINUTE),  # never later than now
        (NOON + 90 * MINUTE, NOON + 80 * MINUTE, NOON + 60 * MINUTE),
        (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC), NOON + 60 * MINUTE),
        (dt.datetime.max.replace(tzinfo=dt.UTC), dt.datetime.min.replace(tzinfo=dt.UTC), NOON + 60 * MINUTE),
    ],
)
def test_scanner_clocks_are_corrected_like_event_clocks(
    scanned: dt.datetime, sent: dt.datetime | None, expected: dt.datetime
) -> None:
    assert correct_clock(scanned, sent_at=sent, now=NOON + 60 * MINUTE) == expected


def test_a_scan_never_precedes_its_registration(ann: Registration, bob: User) -> None:
    made = check_in(ann.id, by=bob, scanned_at=NOON - dt.timedelta(days=9), now=NOON).check_in
    assert made.checked_in_at == ann.registered_at
    assert made.recorded_at == NOON


def test_a_scan_that_arrives_after_an_undo_checks_in(ann: Registration, bob: User) -> None:
    first = check_in(ann.id, by=bob, gate="North", now=NOON + 10 * MINUTE).check_in
    undo_check_in(first.id, by=bob, now=NOON + 11 * MINUTE)
    assert check_in(ann.id, by=bob, gate="South", scanned_at=NOON, now=NOON + 12 * MINUTE).created
    assert active() == [("South", NOON)]


def test_the_api_accepts_the_scanners_times(
    conference: Conference, ann: Registration, bob: User, api: Api
) -> None:
    Registration.objects.update(registered_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    url = "/api/conferences/summit/checkins"

    def scan(gate: str, **times: str) -> dict:
        answer = api(bob).post(url, {"registration_id": ann.id, "gate": gate, **times}, format="json")
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    live = scan("North")
    # Ten o'clock in Shanghai, as the scanner's clock says without an offset; it sends two hours later.
    offline = scan("South", scanned_at="2026-01-05T10:00:00", sent_at="2026-01-05T12:00:00")
    assert (live["status"], offline["status"]) == ("checked_in", "checked_in")
    age = dt.datetime.fromisoformat(live["checked_in_at"]) - dt.datetime.fromisoformat(
        offline["checked_in_at"]
    )
    assert abs(age - dt.timedelta(hours=2)) < dt.timedelta(seconds=30)
    assert scan("East", scanned_at="2026-01-05T10:00:00Z")["check_in"]["gate"] == "East"
    listed = {found["gate"]: found for found in api(bob).get(url).json()["results"]}
    assert listed["North"]["superseded_by"] == listed["South"]["id"]
    assert listed["South"]["superseded_by"] == listed["East"]["id"]
    assert listed["East"]["undone_at"] is None


@pytest.mark.parametrize("time", ["soon", "2026-01-05T25:00:00", 5])
def test_an_unreadable_time_is_refused(ann: Registration, bob: User, api: Api, time: object) -> None:
    answer = api(bob).post(
        "/api/conferences/summit/checkins",
        {"registration_id": ann.id, "scanned_at": time, "sent_at": time},
        format="json",
    )
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == {"scanned_at", "sent_at"}
