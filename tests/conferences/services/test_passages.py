"""Entries and exits: what each scan means, in whatever order the scans arrive."""

import datetime as dt
from itertools import permutations

import pytest
from django.contrib.auth.models import User

from conferences.models import CheckIn, Conference, Passage, Registration
from conferences.selectors.desk import count_door
from conferences.services.passages import Outcome, scan, undo_passage
from conferences.services.registrations import register
from meeteasy.core.errors import RefusedError

pytestmark = pytest.mark.django_db

NINE = dt.datetime(2026, 5, 1, 1, tzinfo=dt.UTC)  # 9:00 in Shanghai
NOON = NINE + dt.timedelta(hours=3)


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return register(
        conference=conference, name="Ann", email="ann@example.com", now=NINE - dt.timedelta(days=9)
    ).registration


def at(minutes: int) -> dt.datetime:
    return NINE + dt.timedelta(minutes=minutes)


def test_the_first_entry_checks_in(ann: Registration, bob: User) -> None:
    first = scan(ann.id, direction="in", by=bob, gate="A", now=NINE)
    second = scan(ann.id, direction="in", by=bob, gate="B", now=at(5))
    assert (first.outcome, second.outcome) == (Outcome.WELCOME, Outcome.ALREADY)
    assert second.since == first.passage
    assert first.passage.check_in == CheckIn.objects.get()


def test_who_went_out_comes_in_again(ann: Registration, bob: User, conference: Conference) -> None:
    outcomes = [
        scan(ann.id, direction=direction, by=bob, gate="A", now=at(minute)).outcome
        for minute, direction in enumerate(["out", "in", "out", "in", "in"])
    ]
    assert outcomes == ["not_inside", "welcome", "goodbye", "welcome", "already"]
    counts = count_door(conference, now=at(30))
    assert (counts.inside, counts.present, counts.checked_in, counts.gates) == (1, 1, 1, {"A": 2})


def test_the_next_day_is_an_entry_of_its_own(ann: Registration, bob: User, conference: Conference) -> None:
    scan(ann.id, direction="in", by=bob, now=NINE)
    tomorrow = NINE + dt.timedelta(days=1)
    assert count_door(conference, now=tomorrow).inside == 0
    assert scan(ann.id, direction="in", by=bob, now=tomorrow).outcome == Outcome.WELCOME
    counts = count_door(conference, now=tomorrow)
    assert (counts.inside, counts.present, counts.checked_in) == (1, 1, 1)
    assert CheckIn.objects.count() == 1


def test_any_order_of_arrival_ends_alike(conference: Conference, bob: User) -> None:
    scans = [(0, "in", "A"), (10, "in", "B"), (20, "out", "A"), (30, "in", "B")]
    ends = set()
    for number, order in enumerate(permutations(scans)):
        person = register(
            conference=conference, name="X", email=f"x{number}@example.com", now=NINE - dt.timedelta(days=9)
        ).registration
        for minute, direction, gate in order:
            scan(person.id, direction=direction, by=bob, gate=gate, scanned_at=at(minute), now=NOON)
        counts = count_door(conference, now=NOON)
        active = CheckIn.objects.get(registration=person, undone_at=None)
        ends.add((counts.inside, counts.present, tuple(sorted(counts.gates.items())), active.checked_in_at))
        person.delete()
    assert ends == {(1, 1, (("A", 1), ("B", 1)), NINE)}


def test_undoing_the_first_entry_undoes_all_of_it(ann: Registration, bob: User) -> None:
    first = scan(ann.id, direction="in", by=bob, now=NINE)
    scan(ann.id, direction="in", by=bob, now=at(5))
    undo_passage(first.passage.id, by=bob, now=at(6))
    assert not CheckIn.objects.filter(undone_at=None).exists()
    assert not Passage.objects.filter(undone_at=None).exists()
    assert scan(ann.id, direction="in", by=bob, now=at(7)).outcome == Outcome.WELCOME


def test_undoing_an_exit_leaves_the_check_in(ann: Registration, bob: User, conference: Conference) -> None:
    scan(ann.id, direction="in", by=bob, now=NINE)
    left = scan(ann.id, direction="out", by=bob, now=at(5))
    undo_passage(left.passage.id, by=bob, now=at(6))
    assert count_door(conference, now=at(7)).inside == 1


@pytest.mark.parametrize("direction", ["in", "out"])
def test_nobody_unapproved_passes(ann: Registration, bob: User, direction: str) -> None:
    Registration.objects.filter(pk=ann.pk).update(state="pending")
    with pytest.raises(RefusedError):
        scan(ann.id, direction=direction, by=bob, now=NINE)
    assert not Passage.objects.exists()
