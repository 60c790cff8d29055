"""Opens of one visitor beyond any person's number: their cost for later registrations is bounded."""

from typing import Any

import pytest

from sharing.derivation.facts import MAX_OPENS
from sharing.models import ShareLink, ShareOpen
from tests.sharing.cast import credits_of, deliver, opened, registered, share, state

pytestmark = pytest.mark.django_db


def flood(start: int, count: int, visitor: str = "robot") -> list[dict[str, Any]]:
    return [
        opened(2 + n / 1000, visitor, "aaaa", event_id=f"{visitor}-{n}") for n in range(start, start + count)
    ]


def test_opens_beyond_a_visitors_limit_are_no_facts() -> None:
    deliver(share(0, "ann", "aaaa"), share(1, "ben", "bbbb", "aaaa"))
    for start in range(0, MAX_OPENS + 1000, 500):
        deliver(*flood(start, 500), opened(2, f"person-{start}", "bbbb"), opened(1.5, "late", "aaaa"))
    assert ShareOpen.objects.filter(visitor="robot").count() == MAX_OPENS
    links = {link.code: (link.opens, link.openers) for link in ShareLink.objects.all()}
    assert links == {"aaaa": (MAX_OPENS + 1, 2), "bbbb": (6, 6)}, "others are counted as ever"

    deliver(registered(20, "robot"), registered(20, "person-0"))
    assert (credits_of("r-robot"), credits_of("r-person-0")) == (["aaaa"], ["bbbb", "aaaa"])
    before = state()
    deliver(*flood(0, 600))
    assert state() == before, "sent again, nothing changes"


def test_the_first_opens_of_one_delivery_are_kept() -> None:
    deliver(share(0, "ann", "aaaa"), *reversed(flood(0, MAX_OPENS + 10)))
    kept = set(ShareOpen.objects.values_list("id", flat=True))
    assert kept == {f"robot-{n}/summit" for n in range(MAX_OPENS)}
