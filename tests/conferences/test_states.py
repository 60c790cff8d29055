import itertools
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from conferences import signals
from conferences.models import Conference, Registration
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.registrations import decide, register
from conferences.states import Action, State
from meeteasy.core.errors import RefusedError

pytestmark = pytest.mark.django_db

ALLOWED = {
    ("waiting", "approve"): "approved",
    ("waiting", "reject"): "rejected",
    ("waiting", "cancel"): "cancelled",
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("pending", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("rejected", "approve"): "approved",
    # Done already: nothing changes.
    ("approved", "approve"): "approved",
    ("rejected", "reject"): "rejected",
    ("cancelled", "cancel"): "cancelled",
}


@pytest.fixture
def registration(conference: Conference) -> Registration:
    return register(conference=conference, name="Ann", email="ann@example.com").registration


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_actions_follow_the_state_machine(
    registration: Registration, bob: User, state: State, action: Action
) -> None:
    Registration.objects.filter(id=registration.id).update(state=state)
    expected = ALLOWED.get((state.value, action.value))
    if expected is None:
        with pytest.raises(RefusedError) as caught:
            decide(registration.id, action, by=bob)
        assert caught.value.code == "wrong_state"
        assert caught.value.details == {"state": state.value}
        expected = state.value
    else:
        decide(registration.id, action, by=bob)
    registration.refresh_from_db()
    assert registration.state == expected
    changed = expected != state.value
    assert (registration.decided_by == bob) is changed
    assert (registration.decided_at is not None) is changed


def test_an_attendee_is_checked_in_once_until_undone(registration: Registration, bob: User) -> None:
    first = check_in(registration.id, by=bob, method="qr", gate="North")
    second = check_in(registration.id, by=bob, method="qr", gate="South")
    assert (first.created, second.created) == (True, False)
    assert second.check_in.id == first.check_in.id
    assert second.check_in.gate == "North"

    undone = undo_check_in(first.check_in.id, by=bob)
    assert undo_check_in(first.check_in.id, by=None).undone_at == undone.undone_at
    third = check_in(registration.id, by=bob)
    assert third.created
    assert third.check_in.id != first.check_in.id


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("pending", "not_approved"),
        ("rejected", "not_approved"),
        ("cancelled", "registration_cancelled"),
    ],
)
def test_only_approved_attendees_can_check_in(
    registration: Registration, bob: User, state: str, code: str
) -> None:
    Registration.objects.filter(id=registration.id).update(state=state)
    with pytest.raises(RefusedError) as caught:
        check_in(registration.id, by=bob)
    assert caught.value.code == code
    assert not registration.check_ins.exists()


def test_checked_in_attendees_cannot_be_cancelled(registration: Registration, bob: User) -> None:
    made = check_in(registration.id, by=bob).check_in
    with pytest.raises(RefusedError) as caught:
        decide(registration.id, Action.CANCEL, by=bob)
    assert caught.value.code == "checked_in"
    undo_check_in(made.id, by=bob)
    assert decide(registration.id, Action.CANCEL, by=bob).state == "cancelled"


@pytest.mark.parametrize(
    ("actions", "version", "stands"),
    [
        ([], 0, True),
        ([Action.APPROVE], 0, True),
        ([Action.REJECT], 1, False),
        ([Action.REJECT, Action.REJECT], 1, False),
        ([Action.REJECT, Action.APPROVE], 2, True),
        ([Action.REJECT, Action.APPROVE, Action.CANCEL], 3, False),
        ([Action.CANCEL], 1, False),
    ],
)
def test_the_standing_version_goes_up_with_each_change(
    conference: Conference,
    django_capture_on_commit_callbacks: Any,
    actions: list[Action],
    version: int,
    stands: bool,
) -> None:
    heard: list[tuple[int, bool]] = []

    def note(sender: object, registration: Registration, **kwargs: object) -> None:
        heard.append((registration.standing_version, registration.stands))

    conference.approval_required = True
    signals.standing_changed.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            made = register(conference=conference, name="Ann", email="ann@example.com").registration
        for action in actions:
            with django_capture_on_commit_callbacks(execute=True):
                decided = decide(made.id, action, by=None)
    finally:
        signals.standing_changed.disconnect(note)
    found = Registration.objects.get()
    assert (found.standing_version, found.stands) == (version, stands)
    assert (found.standing_changed_at is None) is (version == 0)
    assert heard == [(number, number % 2 == 0) for number in range(1, version + 1)]
    if actions and actions[-1] == Action.CANCEL:
        assert found.standing_changed_at == decided.decided_at


def test_the_database_refuses_conference_ids_with_a_slash(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Conference.objects.create(id="a/b", name="A")
