"""Daily figures from the tree, windows of conferences, adoption and rebuilding."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User

from analytics.days import redating
from analytics.days.summaries import refresh_dirty_days
from analytics.models import DailySummary
from analytics.reactions.pipeline import store_and_react
from conferences import services
from conferences.models import Conference
from sharing.services.minting import mint_link
from sharing.services.rebuilding import rebuild
from tests.sharing.cast import credits_of, opened, refusals_of, registered, row, share, state

pytestmark = pytest.mark.django_db

DAY = 24 * 60
FIRST_DAY = dt.date(2026, 5, 1)


def arrive(*events: dict[str, Any]) -> None:
    store_and_react([row(sent) for sent in events])
    redating.redate_changed_conferences()
    refresh_dirty_days()


def figures(date: dt.date) -> tuple[int, int, int]:
    summary = DailySummary.objects.get(conference_id="summit", date=date)
    return summary.figures["shares"], summary.figures["share_conversions"], summary.revision


def test_a_late_share_changes_its_own_day(conference: Conference) -> None:
    arrive(opened(2, "bob", "aaaa"), registered(3, "bob"))
    shares, conversions, revision = figures(FIRST_DAY)
    assert (shares, conversions) == (0, 0)
    arrive(share(2 * DAY, "carol", "cccc"))
    assert figures(FIRST_DAY) == (0, 0, revision)
    arrive(share(1, "alice", "aaaa"))
    assert figures(FIRST_DAY) == (1, 1, revision + 1)
    arrive(share(1, "alice", "aaaa"), registered(3, "bob"))
    assert figures(FIRST_DAY) == (1, 1, revision + 1)


def test_a_late_open_changes_the_day_of_the_registration(conference: Conference) -> None:
    arrive(share(1, "alice", "aaaa"), registered(3 * DAY, "bob"))
    registered_on = FIRST_DAY + dt.timedelta(days=3)
    shares, conversions, revision = figures(registered_on)
    assert (shares, conversions) == (0, 0)
    arrive(opened(2, "bob", "aaaa"))
    assert figures(registered_on) == (0, 1, revision + 1)


def test_days_follow_the_conferences_time_zone(conference: Conference) -> None:
    arrive(share(-3 * 60, "alice", "aaaa"))  # 22:46 UTC, 06:46 in Shanghai
    assert figures(FIRST_DAY)[0] == 1
    services.update_conference(conference, time_zone="UTC")
    arrive()
    assert not DailySummary.objects.filter(date=FIRST_DAY).exists()  # no summary of zeros remains
    assert figures(FIRST_DAY - dt.timedelta(days=1))[0] == 1


def test_the_window_comes_from_the_conference(conference: Conference) -> None:
    services.update_conference(conference, attribution_window_days=1)
    arrive(share(0, "alice", "aaaa"), opened(1, "bob", "aaaa"), registered(2 * DAY, "bob"))
    assert refusals_of("r-bob") == {("aaaa", "outside_window")}
    services.update_conference(conference, attribution_window_days=7)
    arrive(registered(2 * DAY, "bob"))
    assert credits_of("r-bob") == []  # the frozen window stays
    rebuild("summit")
    assert credits_of("r-bob") == ["aaaa"]


def test_a_rebuild_that_removes_a_conversion_changes_its_day(conference: Conference) -> None:
    arrive(share(0, "alice", "aaaa"), opened(1, "bob", "aaaa"), registered(2 * DAY, "bob"))
    registered_on = FIRST_DAY + dt.timedelta(days=2)
    _, conversions, revision = figures(registered_on)
    assert conversions == 1
    services.update_conference(conference, attribution_window_days=1)
    rebuild("summit")
    refresh_dirty_days()
    assert figures(registered_on) == (0, 0, revision + 1)


def test_events_before_their_conference_count_once_it_exists(alice: Any) -> None:
    arrive(share(1, "ann", "aaaa"), opened(2, "bob", "aaaa"), registered(3, "bob"))
    services.create_conference(owner=alice, id="summit", name="Summit", time_zone="Asia/Shanghai")
    arrive()
    assert credits_of("r-bob") == ["aaaa"]
    assert figures(FIRST_DAY)[:2] == (1, 1)


def test_client_reports_do_not_count_without_trust(
    conference: Conference,
) -> None:
    services.update_conference(conference, trust_client_registrations=False)
    arrive(share(0, "ann", "aaaa"), opened(1, "bob", "aaaa"), registered(2, "bob", "r-1"))
    assert credits_of("r-1") == []
    assert refusals_of("r-1") == {("aaaa", "not_trusted")}
    arrive(registered(3, "bob", "r-1", event_id="own:reg:r-1"))
    assert credits_of("r-1") == ["aaaa"]


def test_a_rebuild_gives_the_same_state(conference: Conference, alice: Any) -> None:
    arrive(
        registered(9, "carol"), share(2, "bob", "bbbb", "aaaa"), opened(3, "carol", "bbbb"),
        share(1, "ann", "aaaa"), share(2, "thief", "aaaa"), opened(4, "dave", "aaaa"),
    )  # fmt: skip
    before = state()
    assert rebuild("summit") == 6
    assert state() == before


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_keeps_the_links_of_a_deleted_user(conference: Conference, bob: User) -> None:
    mint_link(conference, owner=bob, code="poster")
    bob.delete()
    before = state()
    rebuild("summit")
    assert state() == before
