"""100,000 links with opens and registrations, compared with the plain implementation."""

from typing import Any

import pytest

from sharing import models
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from tests.sharing.cast import row
from tests.sharing.plain import PlainTree
from tests.support.share_events import share_events


# Each delivery commits, as in a worker. In one transaction around all of them SQLite could not empty its log,
# and looking up pages in a log that keeps growing took half of this test's time.
@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("sqlite")
@pytest.mark.slow
def test_credits_of_100_000_links_match_the_plain_implementation() -> None:
    events: list[dict[str, Any]] = list(
        share_events(links=100_000, seed=7, conference_id="summit", opens_per_link=1)
    )
    for start in range(0, len(events), 20_000):
        apply_facts(read_facts([row(sent) for sent in events[start : start + 20_000]]))

    plain = PlainTree(events)
    assert len(plain.sharers) == 100_000
    credits: dict[str, list[tuple[str, int]]] = {}
    stored = models.Credit.objects.order_by("distance").values_list("conversion_id", "link_id", "distance")
    for key, link, distance in stored.iterator():
        credits.setdefault(key.partition("/")[2], []).append((link.partition("/")[2], distance))
    assert credits == plain.credits
    assert len(credits) > 5_000
    counted = models.ShareLink.objects.values_list("code", "opens", "openers", "direct", "assisted")
    for code, opens, openers, direct, assisted in counted.iterator():
        assert (opens, openers, direct, assisted) == (
            plain.opens[code], plain.openers.get(code, 0), plain.direct[code], plain.assisted[code],
        )  # fmt: skip
