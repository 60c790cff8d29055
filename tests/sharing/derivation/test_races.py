"""Races: two users mint the same code, and deliveries arrive during a rebuild.

test_erasing.py tests erasing during a delivery, and test_order.py tests two deliveries at once.
"""

import threading
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from analytics.reactions.pipeline import store_and_react
from conferences.models import Conference
from sharing.derivation.deriving import derive
from sharing.derivation.facts import Claim, Facts, read_facts
from sharing.models import ShareClaim, ShareLink
from sharing.services import rebuilding as rebuilding
from sharing.services.minting import CodeTakenError, mint_link
from sharing.services.rebuilding import rebuild, rederive_registrations
from tests.sharing.cast import opened, registered, row, share, state
from tests.sharing.derivation.test_order import in_two_threads

pytestmark = pytest.mark.django_db(transaction=True)


def needs_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a transaction is the lock; the control needs PostgreSQL")


def test_only_one_of_two_users_can_mint_a_code(conference: Conference, alice: User, bob: User) -> None:
    together = threading.Barrier(2)
    refused: list[int] = []

    def mint(number: int) -> None:
        for attempt in range(10):
            together.wait(20)
            try:
                mint_link(conference, owner=(alice, bob)[number], code=f"poster{attempt}")
            except CodeTakenError:
                refused.append(attempt)

    in_two_threads(mint)
    assert sorted(refused) == list(range(10))
    assert ShareLink.objects.count() == ShareClaim.objects.count() == 10
    assert not ShareLink.objects.filter(is_contested=True).exists()


def test_control_minting_without_the_lock_fails_for_one_user(alice: User, bob: User) -> None:
    needs_postgresql()
    both_looked = threading.Barrier(2)

    def mint(number: int) -> None:
        owner = (alice, bob)[number]
        with transaction.atomic():
            assert not ShareLink.objects.filter(id="summit/poster").exists()
            both_looked.wait(20)
            claim = Claim("summit/poster", (number, f"m{number}"), number, f"user:{owner.pk}", is_minted=True)
            derive(Facts(claims=[claim]))

    with pytest.raises(IntegrityError):
        in_two_threads(mint)


STORY = [
    share(1, "ann", "aaaa"),
    opened(2, "ben", "aaaa"),
    share(3, "ben", "bbbb", "aaaa"),
    opened(4, "cat", "bbbb"),
    registered(5, "cat"),
    registered(6, "ben"),
]


def of_round(number: int) -> list[dict[str, Any]]:
    """The same story with other visitors and codes, below the first link."""
    return [
        {
            **sent,
            "event_id": f"{number}-{sent['event_id']}",
            "visitor_id": f"{sent['visitor_id']}{number}",
            "share_code": sent.get("share_code") and f"{sent['share_code']}{number}",
            "parent_share_code": f"{sent['parent_share_code']}{number}"
            if sent.get("parent_share_code")
            else "aaaa"
            if sent["type"] == "share"
            else "",
            "registration_id": sent.get("registration_id") and f"{sent['registration_id']}{number}",
        }
        for sent in STORY
    ]


@pytest.mark.parametrize("derive_again", [rebuild, rederive_registrations])
def test_events_delivered_during_a_rebuild_count_once(conference: Conference, derive_again: Any) -> None:
    store_and_react([row(sent) for sent in STORY])
    delivered = threading.Event()

    def work(number: int) -> None:
        if number:
            for round in range(5):
                for sent in of_round(round):
                    store_and_react([row(sent)])
            delivered.set()
            return
        while not delivered.is_set():
            derive_again("summit")

    in_two_threads(work)
    found = state()
    assert len(found["links"]) == 2 + 5 * 2
    assert len(found["conversions"]) == 2 + 5 * 2
    rebuild("summit")
    assert state() == found


def test_control_a_rebuild_without_the_lock_loses_a_child(
    conference: Conference,
) -> None:
    needs_postgresql()
    store_and_react([row(STORY[0])])
    replaced = threading.Event()

    def work(number: int) -> None:
        with transaction.atomic():
            if number:
                replaced.wait(20)
                derive(read_facts([row(share(3, "ben", "bbbb", "aaaa"))]))
                return
            rebuilding._delete_all("summit")
            derive(read_facts([row(STORY[0])]))
            replaced.set()
            wait_until_somebody_waits()

    in_two_threads(work)
    child = ShareLink.objects.get(code="bbbb")
    assert child.parent_id == "summit/aaaa"
    assert ShareLink.objects.get(code="aaaa").subtree_links == 0  # its child is not counted


def wait_until_somebody_waits() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
