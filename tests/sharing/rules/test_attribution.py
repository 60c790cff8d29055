"""Tests of each rule with a case that depends on it. Event times are in minutes."""

from typing import Any

import pytest

from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from sharing.models import NotCredited, ShareLink
from sharing.rules.attribution import NAMED_OPENS
from tests.sharing.cast import (
    credits_of,
    opened,
    refusals_of,
    registered,
    row,
    share,
    tree,
)

pytestmark = pytest.mark.django_db

DAY = 24 * 60


def happen(*events: dict[str, Any]) -> None:
    """Deliver each event on its own."""
    for sent in events:
        apply_facts(read_facts([row(sent)]))


def test_every_ancestor_is_credited_the_nearest_directly() -> None:
    happen(
        share(1, "alice", "aaaa"),
        opened(2, "bob", "aaaa"),
        share(3, "bob", "bbbb", "aaaa"),
        opened(4, "carol", "bbbb"),
        registered(5, "carol"),
    )
    assert credits_of("r-carol") == ["bbbb", "aaaa"]
    links = {link.code: link for link in ShareLink.objects.all()}
    assert (links["bbbb"].direct, links["bbbb"].assisted) == (1, 0)
    assert (links["aaaa"].direct, links["aaaa"].assisted) == (0, 1)
    assert (links["aaaa"].subtree_links, links["aaaa"].subtree_conversions) == (1, 1)
    assert (links["aaaa"].opens, links["aaaa"].openers, links["aaaa"].child_count) == (1, 1, 1)


def test_an_open_counts_for_exactly_30_days() -> None:
    happen(
        share(0, "alice", "aaaa"),
        opened(1, "bob", "aaaa"),
        opened(1, "carol", "aaaa"),
        registered(1 + 30 * DAY, "bob"),
        registered(1.001 + 30 * DAY, "carol"),
    )
    assert credits_of("r-bob") == ["aaaa"]
    assert credits_of("r-carol") == []
    assert refusals_of("r-carol") == {("aaaa", "outside_window")}


def test_the_last_open_before_the_registration_decides() -> None:
    happen(
        share(1, "alice", "aaaa"),
        share(1, "bob", "bbbb"),
        opened(2, "carol", "aaaa"),
        opened(3, "carol", "bbbb"),
        registered(4, "carol"),
        opened(5, "carol", "aaaa"),
    )
    assert credits_of("r-carol") == ["bbbb"]


def test_the_registrations_code_counts_when_no_open_does() -> None:
    happen(share(1, "alice", "aaaa"), share(1, "bob", "bbbb"), opened(2, "carol", "aaaa"))
    happen(registered(4, "carol", share_code="bbbb"), registered(4, "dave", share_code="bbbb"))
    assert credits_of("r-carol") == ["aaaa"]
    assert credits_of("r-dave") == ["bbbb"]


def test_a_registration_does_not_revive_an_expired_code() -> None:
    happen(
        share(0, "alice", "aaaa"),
        opened(1, "bob", "aaaa"),
        registered(31 * DAY, "bob", share_code="aaaa"),
    )
    assert credits_of("r-bob") == []
    assert refusals_of("r-bob") == {("aaaa", "outside_window")}


def test_the_claim_received_first_decides_the_parent() -> None:
    happen(share(1, "alice", "aaaa"), share(1, "bob", "bbbb"))
    happen(share(5, "carol", "cccc", "bbbb"))
    happen(share(4, "carol", "cccc", "aaaa", received=6))
    assert tree()["cccc"] == "bbbb"
    happen(share(6, "carol", "cccc", "aaaa", received=4))  # delivered late
    assert tree()["cccc"] == "aaaa"


def test_a_first_claim_without_parent_makes_a_permanent_root() -> None:
    happen(share(1, "alice", "aaaa"), share(2, "bob", "bbbb"), share(3, "bob", "bbbb", "aaaa"))
    happen(share(0, "bob", "bbbb", "aaaa", received=4))  # a thief in his name
    assert tree()["bbbb"] is None


def test_a_code_belongs_to_the_first_received_claim() -> None:
    happen(share(5, "alice", "aaaa"))
    assert not ShareLink.objects.get().is_contested
    happen(share(4, "mallory", "aaaa", received=6))
    link = ShareLink.objects.get()
    assert (link.sharer, link.is_contested) == ("alice", True)
    happen(share(9, "zoe", "aaaa", received=4))  # delivered late
    assert ShareLink.objects.get().sharer == "zoe"


def test_a_proven_claim_beats_an_earlier_unproven_one() -> None:
    happen(share(1, "mallory", "aaaa"), share(2, "alice", "aaaa", proven=True), share(0, "zoe", "aaaa"))
    link = ShareLink.objects.get()
    assert (link.sharer, link.is_proven, link.is_contested) == ("alice", True, True)


def test_a_losing_claim_counts_once_it_becomes_first() -> None:
    happen(share(1, "zoe", "zzzz"), share(3, "alice", "aaaa"), share(4, "bob", "aaaa"))
    assert tree()["aaaa"] is None
    happen(share(2, "bob", "aaaa", "zzzz"))
    assert tree()["aaaa"] == "zzzz"


def test_self_referrals_credit_only_the_ancestors() -> None:
    happen(
        share(1, "alice", "aaaa"),
        share(2, "bob", "bbbb", "aaaa"),
        opened(3, "bob", "bbbb"),
        registered(4, "bob"),
    )
    assert credits_of("r-bob") == ["aaaa"]
    assert refusals_of("r-bob") == {("bbbb", "self_referral")}
    assert ShareLink.objects.get(code="aaaa").direct == 1


def test_a_sharer_gets_one_credit_for_the_nearest_share() -> None:
    happen(
        share(1, "alice", "aaaa"),
        share(2, "bob", "bbbb", "aaaa"),
        share(3, "alice", "cccc", "bbbb"),
        opened(4, "dave", "cccc"),
        registered(5, "dave"),
    )
    assert credits_of("r-dave") == ["cccc", "bbbb"]
    assert refusals_of("r-dave") == {("aaaa", "sharer_already_credited")}


@pytest.mark.parametrize("first_to_arrive", [0, 1, 2])
def test_the_latest_claim_of_a_cycle_is_refused(first_to_arrive: int) -> None:
    claims = [share(1, "a", "aaaa", "cccc"), share(2, "b", "bbbb", "aaaa"), share(3, "c", "cccc", "bbbb")]
    happen(*claims[first_to_arrive:], *claims[:first_to_arrive])
    assert tree() == {"aaaa": "cccc", "bbbb": "aaaa", "cccc": None}
    assert list(ShareLink.objects.filter(closes_cycle=True).values_list("code", flat=True)) == ["cccc"]


def test_a_refused_claim_counts_again_without_its_cycle() -> None:
    happen(share(2, "a", "aaaa", "bbbb"), share(3, "b", "bbbb", "aaaa"))
    assert tree() == {"aaaa": "bbbb", "bbbb": None}
    happen(share(1, "a", "aaaa", "zzzz"))  # earlier, and to another parent
    assert tree() == {"aaaa": None, "bbbb": "aaaa"}
    assert not ShareLink.objects.filter(closes_cycle=True).exists()


def test_a_link_claiming_itself_is_a_flagged_root() -> None:
    happen(share(1, "a", "aaaa", "aaaa"))
    link = ShareLink.objects.get()
    assert (link.parent_id, link.closes_cycle) == (None, True)


def test_an_unknown_code_is_skipped_and_shown() -> None:
    happen(
        share(1, "alice", "aaaa"),
        opened(2, "bob", "aaaa"),
        opened(3, "bob", "nobodys"),
        registered(4, "bob"),
    )
    assert credits_of("r-bob") == ["aaaa"]
    assert refusals_of("r-bob") == {("nobodys", "unknown_code")}
    happen(share(2.5, "carol", "nobodys"))
    assert credits_of("r-bob") == ["nobodys"]
    assert refusals_of("r-bob") == set()


def test_a_code_of_another_conference_is_unknown() -> None:
    happen(share(1, "alice", "aaaa", conference_id="other"), opened(2, "bob", "aaaa"), registered(3, "bob"))
    assert credits_of("r-bob") == []
    assert refusals_of("r-bob") == {("aaaa", "unknown_code")}


def test_a_bots_open_credits_nobody_and_counts_nowhere() -> None:
    happen(share(1, "alice", "aaaa"), opened(2, "bob", "aaaa", bot=True), registered(3, "bob"))
    assert credits_of("r-bob") == []
    assert refusals_of("r-bob") == {("aaaa", "bot")}
    assert ShareLink.objects.get().opens == 0


def test_shares_and_registrations_of_bots_do_not_count() -> None:
    happen(share(1, "crawler", "aaaa", bot=True), opened(2, "bob", "aaaa"))
    happen(registered(3, "bob"), registered(3, "robo", bot=True, share_code="aaaa"))
    assert tree() == {}
    assert refusals_of("r-bob") == {("aaaa", "unknown_code")}
    assert refusals_of("r-robo") == set()


def test_later_events_never_change_a_registrations_credits() -> None:
    happen(
        share(1, "alice", "aaaa"),
        share(2, "bob", "bbbb"),
        opened(3, "carol", "bbbb"),
        registered(4, "carol"),
        share(5, "bob", "bbbb", "aaaa"),  # a parent, but later
    )
    assert tree()["bbbb"] is None
    assert credits_of("r-carol") == ["bbbb"]


def test_late_earlier_events_complete_a_registrations_credits() -> None:
    happen(registered(5, "carol"), opened(4, "carol", "bbbb"), share(3, "bob", "bbbb", "aaaa"))
    assert credits_of("r-carol") == ["bbbb"]
    happen(share(1, "alice", "aaaa"))
    assert credits_of("r-carol") == ["bbbb", "aaaa"]


def test_a_link_shared_later_gets_no_credit() -> None:
    happen(share(2, "bob", "bbbb", "aaaa"), share(9, "alice", "aaaa"))
    happen(opened(3, "carol", "bbbb"), registered(4, "carol"))
    assert credits_of("r-carol") == ["bbbb"]
    assert refusals_of("r-carol") == {("aaaa", "shared_later")}
    happen(share(1, "alice", "aaaa"))
    assert credits_of("r-carol") == ["bbbb", "aaaa"]


def test_form_and_browser_report_one_registration() -> None:
    happen(
        share(1, "alice", "aaaa"),
        opened(2, "bob", "aaaa"),
        registered(4, "", "r-1", event_id="from-the-form"),
        registered(5, "bob", "r-1", event_id="from-the-browser"),
    )
    assert credits_of("r-1") == ["aaaa"]
    assert ShareLink.objects.get().direct == 1


def test_the_tree_overrules_a_contradicting_chain() -> None:
    happen(share(1, "alice", "aaaa"), share(2, "bob", "bbbb", "aaaa"))
    happen(
        opened(3, "carol", "bbbb", attribution_chain=["mmmm", "bbbb"]),
        opened(3, "dave", "bbbb", attribution_chain=["aaaa", "bbbb"]),
        registered(4, "carol"),
        registered(4, "dave"),
    )
    assert credits_of("r-carol") == credits_of("r-dave") == ["bbbb", "aaaa"]
    assert refusals_of("r-carol") == {("bbbb", "chain_contradicts_tree")}
    assert refusals_of("r-dave") == set()


def test_ignored_opens_never_hide_an_earlier_open() -> None:
    happen(share(0, "va", "aaaa"), opened(1, "x", "aaaa"))
    invented = [opened(2 + number / 1000, "x", f"nobody{number:04}") for number in range(200)]
    apply_facts(read_facts([row(sent) for sent in invented]))
    happen(registered(5, "x", "r"))
    assert credits_of("r") == ["aaaa"]
    assert len(refusals_of("r")) == NAMED_OPENS


def test_an_expired_code_stays_expired_after_many_opens() -> None:
    happen(share(0, "va", "aaaa"), opened(1, "x", "aaaa"))
    invented = [opened(40 * DAY + number / 1000, "x", f"nobody{number:04}") for number in range(60)]
    apply_facts(read_facts([row(sent) for sent in invented]))
    happen(registered(50 * DAY, "x", "r", share_code="aaaa"))
    assert credits_of("r") == []
    assert ("aaaa", "outside_window") in refusals_of("r")


def test_a_newly_known_code_counts_after_many_opens() -> None:
    happen(opened(1, "x", "aaaa"))
    invented = [opened(2 + number / 1000, "x", f"nobody{number:04}") for number in range(100)]
    apply_facts(read_facts([row(sent) for sent in invented]))
    happen(registered(5, "x", "r"))
    assert credits_of("r") == []
    happen(share(0, "va", "aaaa"))
    assert credits_of("r") == ["aaaa"]


def test_an_earlier_share_counts_after_many_opens() -> None:
    happen(share(8, "va", "aaaa"), opened(1, "x", "aaaa"))
    invented = [opened(2 + number / 1000, "x", f"nobody{number:04}") for number in range(100)]
    apply_facts(read_facts([row(sent) for sent in invented]))
    happen(registered(5, "x", "r"))
    assert credits_of("r") == []
    happen(share(0, "vb", "aaaa", received=1))
    assert credits_of("r") == ["aaaa"]


def test_an_own_open_hides_no_earlier_open() -> None:
    happen(share(1, "va", "aaaa"), share(2, "x", "mine"), opened(3, "x", "aaaa"), opened(4, "x", "mine"))
    happen(registered(5, "x", "r"))
    assert credits_of("r") == ["aaaa"]
    assert refusals_of("r") == {("mine", "self_referral")}
    assert ShareLink.objects.get(code="mine").opens == 0


def test_an_own_code_does_not_revive_expired_codes() -> None:
    happen(share(1, "va", "aaaa"), opened(2, "x", "aaaa"), share(3, "x", "mine", "aaaa"))
    happen(opened(50 * DAY, "x", "mine"), registered(51 * DAY, "x", "r", share_code="mine"))
    assert credits_of("r") == []
    assert refusals_of("r") == {("mine", "self_referral"), ("aaaa", "outside_window")}


def test_the_number_of_reasons_stays_bounded() -> None:
    opens = [opened(number / 1000, "x", f"nobody{number:04}") for number in range(300)]
    registrations = [registered(1, "x", f"r{number}", event_id=f"r{number}") for number in range(300)]
    apply_facts(read_facts([row(sent) for sent in opens + registrations]))
    assert NotCredited.objects.count() == 300 * NAMED_OPENS
