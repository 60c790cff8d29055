"""Concurrency: real threads with their own connections, on a database in a file or on a server.

bin/test also runs these on PostgreSQL.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from conferences import signals
from conferences.models import CheckIn, Conference, IdempotencyKey, Member, Registration
from conferences.services.checkins import check_in
from conferences.services.erasing import erase_registration
from conferences.services.idempotency import answer_once
from conferences.services.members import remove_member
from conferences.services.registrations import decide, register
from conferences.states import Action
from meeteasy.core.errors import RefusedError

pytestmark = pytest.mark.django_db(transaction=True)

SCANNERS = 20


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, one thread each. Returns their results or exceptions."""
    begin = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        begin.wait()
        try:
            results[number] = act()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return register(conference=conference, name="Ann", email="ann@example.com").registration


def test_twenty_concurrent_scanners_make_one_check_in(ann: Registration, bob: User) -> None:
    told: list[str] = []

    def note(sender: object, check_in: CheckIn, **kwargs: object) -> None:
        told.append(check_in.id)

    signals.checked_in.connect(note)
    outcomes = at_once(*[lambda: check_in(ann.id, by=bob, method="qr")] * SCANNERS)
    signals.checked_in.disconnect(note)

    assert Counter(outcome.created for outcome in outcomes) == {True: 1, False: SCANNERS - 1}
    only = CheckIn.objects.get()
    assert {outcome.check_in.id for outcome in outcomes} == {only.id}
    assert {outcome.check_in.checked_in_at for outcome in outcomes} == {only.checked_in_at}
    assert told == [only.id]


def test_control_unprotected_scanners_make_several_check_ins(ann: Registration, bob: User) -> None:
    """Looking first and then writing is not enough. This proves that the test above detects it."""
    constraint = next(item for item in CheckIn._meta.constraints if item.name == "one_active_check_in")
    looked = threading.Barrier(SCANNERS)

    def check_in_carelessly() -> None:
        is_absent = not CheckIn.objects.filter(registration=ann, undone_at=None).exists()
        looked.wait()
        if is_absent:
            CheckIn.objects.create(registration=ann, method="qr", checked_in_at=timezone.now())

    with connection.schema_editor() as editor:
        editor.remove_constraint(CheckIn, constraint)
    try:
        at_once(*[check_in_carelessly] * SCANNERS)
        assert CheckIn.objects.count() > 1
    finally:
        CheckIn.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(CheckIn, constraint)


def test_twenty_concurrent_submissions_register_a_person_once(conference: Conference) -> None:
    outcomes = at_once(
        *[lambda: register(conference=conference, name="Ann", email="ann@example.com")] * SCANNERS
    )
    assert Counter(outcome.created for outcome in outcomes) == {True: 1, False: SCANNERS - 1}
    assert {outcome.registration.id for outcome in outcomes} == {Registration.objects.get().id}


def test_control_without_the_constraint_a_person_registers_twice(
    conference: Conference,
) -> None:
    constraint = next(
        item for item in Registration._meta.constraints if item.name == "one_registration_per_mail"
    )
    looked = threading.Barrier(SCANNERS)

    def register_carelessly() -> None:
        is_absent = not Registration.objects.filter(email="ann@example.com").exists()
        looked.wait()
        if is_absent:
            Registration.objects.create(
                conference=conference, name="Ann", email="ann@example.com", registered_at=timezone.now()
            )

    with connection.schema_editor() as editor:
        editor.remove_constraint(Registration, constraint)
    try:
        at_once(*[register_carelessly] * SCANNERS)
        assert Registration.objects.count() > 1
    finally:
        Registration.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Registration, constraint)


def test_concurrent_requests_with_one_key_act_once(conference: Conference) -> None:
    acted: list[int] = []

    def act() -> tuple[int, dict[str, Any]]:
        acted.append(1)
        return 201, {"number": len(acted)}

    answers = at_once(
        *[lambda: answer_once(conference=conference, scope="test", key="k", body={"a": 1}, act=act)] * 10
    )
    assert answers == [(201, {"number": 1})] * 10
    assert len(acted) == 1
    assert IdempotencyKey.objects.get().status == 201


@pytest.mark.parametrize("round_number", range(5))
def test_cancelling_and_checking_in_exclude_each_other(
    conference: Conference, ann: Registration, bob: User, round_number: int
) -> None:
    outcomes = at_once(
        lambda: decide(ann.id, Action.CANCEL, by=bob),
        lambda: check_in(ann.id, by=bob),
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, RefusedError)]
    assert len(refused) == 1
    assert refused[0].code in ("checked_in", "registration_cancelled")
    ann.refresh_from_db()
    assert (ann.state == "cancelled") is not CheckIn.objects.filter(undone_at=None).exists()


def test_two_concurrent_decisions_are_announced_once(conference: Conference, bob: User) -> None:
    conference.approval_required = True
    waiting = register(conference=conference, name="Ben", email="ben@example.com").registration
    told: list[str] = []

    def note(sender: object, registration: Registration, previous_state: str, **kwargs: object) -> None:
        told.append(f"{previous_state} → {registration.state}")

    signals.registration_state_changed.connect(note)
    at_once(*[lambda: decide(waiting.id, Action.APPROVE, by=bob)] * 10)
    signals.registration_state_changed.disconnect(note)
    assert told == ["pending → approved"]


def test_two_owners_cannot_leave_at_once(conference: Conference, bob: User) -> None:
    Member.objects.filter(user=bob).update(role=Member.Role.OWNER)
    owners = list(Member.objects.filter(conference=conference, role=Member.Role.OWNER))
    outcomes = at_once(*[lambda member=member: remove_member(member) for member in owners])
    assert [type(outcome) for outcome in outcomes].count(RefusedError) == 1
    assert Member.objects.filter(conference=conference, role=Member.Role.OWNER).count() == 1


@pytest.mark.parametrize(
    "leave", [lambda ann: decide(ann.id, Action.CANCEL, by=None), lambda ann: erase_registration(ann.id)]
)
def test_leaving_and_registering_again_do_not_wait_for_each_other(
    conference: Conference, leave: Callable[[Registration], Any]
) -> None:
    """Both want the conference's places and the registration of the same address, in the same order."""
    Conference.objects.filter(pk=conference.pk).update(capacity=2)
    conference.refresh_from_db()
    ann = register(conference=conference, name="Ann", email="ann@example.com").registration
    has_begun = threading.Event()

    def pause(**kwargs: object) -> None:
        has_begun.set()
        time.sleep(0.5)

    def register_meanwhile() -> Any:
        has_begun.wait(5)
        return register(conference=conference, name="Ann", email="ann@example.com")

    leaving = [signals.registration_erasing, signals.registration_changing]
    for signal in leaving:
        signal.connect(pause, weak=False, dispatch_uid="pause")
    try:
        outcomes = at_once(lambda: leave(ann), register_meanwhile)
    finally:
        for signal in leaving:
            signal.disconnect(dispatch_uid="pause")
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert Registration.objects.exclude(state=Registration.State.CANCELLED).count() == 1
