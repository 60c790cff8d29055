"""When registration is open, how many places there are, and who gets a freed one."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conferences import services
from conferences.models import Conference, Registration
from conferences.services.erasing import erase_registration
from conferences.services.places import promote_everywhere
from conferences.services.registrations import Registered, decide, register
from conferences.states import Action
from conferences.tasks import catch_up
from meeteasy.core.errors import RefusedError
from notifications.models import Notification
from tests.conferences.test_races import at_once

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2027, 5, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def attend(conference: Conference, number: int, **given: Any) -> Registered:
    return register(conference=conference, name=f"N{number}", email=f"n{number}@example.com", **given)


def states() -> list[str]:
    return list(Registration.objects.order_by("id").values_list("state", flat=True))


@pytest.fixture
def small(conference: Conference) -> Conference:
    """A conference with two places."""
    return services.update_conference(conference, capacity=2)


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({}, None),
        ({"registration_opens_at": NOON + HOUR}, "registration_not_open"),
        ({"registration_opens_at": NOON}, None),
        ({"registration_closes_at": NOON}, "registration_closed"),
        ({"registration_closes_at": NOON + HOUR}, None),
        ({"starts_at": NOON - 2 * HOUR, "ends_at": NOON}, "registration_closed"),
        ({"starts_at": NOON - 2 * HOUR, "ends_at": NOON + HOUR}, None),
        ({"ends_at": NOON - HOUR, "registration_closes_at": NOON + HOUR}, None),
    ],
)
def test_registration_opens_and_closes_on_time(
    conference: Conference, times: dict[str, dt.datetime], code: str | None
) -> None:
    services.update_conference(conference, **times)
    if code is None:
        assert attend(conference, 1, now=NOON).created
        return
    with pytest.raises(RefusedError) as caught:
        attend(conference, 1, now=NOON)
    assert (caught.value.code, caught.value.status) == (code, 403)
    assert not Registration.objects.exists()
    assert attend(conference, 1, now=NOON, source=Registration.Source.IMPORT).created


def test_a_closed_form_does_not_reveal_registered_people(conference: Conference) -> None:
    attend(conference, 1, now=NOON - HOUR)
    services.update_conference(conference, registration_closes_at=NOON)
    for number in (1, 2):
        with pytest.raises(RefusedError, match="closed"):
            attend(conference, number, now=NOON)


def test_people_wait_without_standing_when_places_are_taken(small: Conference) -> None:
    outcomes = [attend(small, number) for number in range(4)]
    assert [str(outcome.state) for outcome in outcomes] == ["approved", "approved", "waiting", "waiting"]
    waiting = Registration.objects.filter(state="waiting")
    assert {(found.stands, found.standing_version) for found in waiting} == {(False, 1)}
    assert all(found.standing_changed_at == found.registered_at for found in waiting)
    known, new = attend(small, 0), attend(small, 5)
    assert known.state == new.state == "waiting"
    assert list(Notification.objects.filter(message_type="waiting_list").values_list("recipient")) == [
        ("n5@example.com",), ("n3@example.com",), ("n2@example.com",)
    ]  # fmt: skip


def test_a_full_conference_refuses_everybody_the_same_way(small: Conference) -> None:
    services.update_conference(small, waiting_list=False)
    attend(small, 0)
    attend(small, 1)
    for number in (0, 2):
        with pytest.raises(RefusedError) as caught:
            attend(small, number)
        assert caught.value.code == "full"


@pytest.mark.parametrize("approval_required", [False, True])
def test_a_freed_place_goes_to_the_longest_waiting(
    small: Conference, bob: User, approval_required: bool
) -> None:
    services.update_conference(small, approval_required=approval_required)
    made = [attend(small, number).registration for number in range(4)]
    first = "pending" if approval_required else "approved"
    decide(made[3].id, Action.CANCEL, by=bob)  # a person on the waiting list frees no place
    assert states() == [first, first, "waiting", "cancelled"]
    decide(made[0].id, Action.CANCEL, by=bob)
    assert states() == ["cancelled", first, first, "cancelled"]
    promoted = Registration.objects.get(id=made[2].id)
    assert (promoted.stands, promoted.standing_version) == (True, 2)
    told = Notification.objects.filter(registration_id=promoted.id).order_by("id")
    expected = "pending_approval" if approval_required else "promotion"
    assert [row.message_type for row in told] == ["waiting_list", expected]


def test_added_places_are_given_away_immediately(small: Conference) -> None:
    for number in range(5):
        attend(small, number)
    services.update_conference(small, capacity=4)
    assert states() == ["approved"] * 4 + ["waiting"]
    services.update_conference(small, capacity=None)
    assert states() == ["approved"] * 5


def test_erasing_a_person_frees_their_place(small: Conference) -> None:
    made = [attend(small, number).registration for number in range(3)]
    erase_registration(made[0].id)
    assert states() == ["approved", "approved"]


def test_the_tick_gives_away_leftover_places(small: Conference) -> None:
    for number in range(3):
        attend(small, number)
    Conference.objects.update(capacity=3)
    catch_up()
    assert states() == ["approved"] * 3


def test_promotion_stops_after_the_end(small: Conference) -> None:
    for number in range(3):
        attend(small, number)
    Conference.objects.update(capacity=3, ends_at=timezone.now() - HOUR)
    assert promote_everywhere(now=timezone.now()) == 0


def test_organizers_can_approve_beyond_the_capacity(small: Conference, bob: User) -> None:
    made = [attend(small, number).registration for number in range(3)]
    assert decide(made[2].id, Action.APPROVE, by=bob).state == "approved"


@pytest.mark.django_db(transaction=True)
def test_twelve_concurrent_requests_get_two_places(small: Conference) -> None:
    outcomes = at_once(*[lambda number=number: attend(small, number) for number in range(12)])
    assert sorted(str(outcome.state) for outcome in outcomes) == ["approved"] * 2 + ["waiting"] * 10


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_cancellations_promote_two(small: Conference, bob: User) -> None:
    made = [attend(small, number).registration for number in range(5)]
    at_once(*[lambda one=one: decide(one.id, Action.CANCEL, by=bob) for one in made[:2]])
    assert states() == ["cancelled", "cancelled", "approved", "approved", "waiting"]
