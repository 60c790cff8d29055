"""A late open affects only the registrations after it, in its own conference."""

from typing import Any

import pytest

from tests.sharing.cast import credits_of, deliver, opened, registered, share

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("at", "event_id", "credits"),
    [
        (9, "z", ["shared"]),
        (10, "a", ["shared"]),  # same millisecond, earlier by its id
        (10, "z", []),
        (11, "a", []),
    ],
)
def test_a_late_open_counts_if_it_preceded_the_registration(
    at: float, event_id: str, credits: list[str]
) -> None:
    deliver(share(1, "ann", "shared"), registered(10, "guest", event_id="m"))
    deliver(opened(at, "guest", "shared", event_id=event_id))
    assert credits_of("r-guest") == credits


def test_a_registration_between_two_late_opens_credits_the_earlier() -> None:
    deliver(share(1, "ann", "shared"), registered(10, "guest", "r-1"), registered(20, "other", "r-2"))
    deliver(opened(15, "guest", "shared"), opened(5, "guest", "shared"))
    assert credits_of("r-1") == ["shared"]


def test_later_registrations_in_another_conference_change_nothing_here() -> None:
    elsewhere: dict[str, Any] = {"conference_id": "fair"}
    deliver(
        share(1, "ann", "shared"),
        registered(10, "guest", "r-1"),
        share(1, "ben", "shared", event_id="ben-shares", **elsewhere),
        registered(30, "guest", "r-1", event_id="at-the-fair", **elsewhere),
    )
    deliver(
        opened(20, "guest", "shared"),
        opened(20, "guest", "shared", event_id="opened-at-the-fair", **elsewhere),
    )
    assert credits_of("r-1") == []
    assert credits_of("r-1", "fair") == ["shared"]
