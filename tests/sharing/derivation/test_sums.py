"""Sums equal what the credits themselves add up to, whatever happens to links and registrations."""

import random
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Count, F, Sum

from conferences.models import Conference
from sharing.derivation.sums import count_again, count_stale, note_missing_models
from sharing.models import ChannelCount, Credit, CreditSum, QuarterSum, ShareLink, StaleSums
from sharing.rules.credit_models import CREDIT_MODELS, SCALE
from sharing.selectors.quarters import add_up_days
from sharing.services.erasing import erase_person
from sharing.services.rebuilding import rebuild
from sharing.services.voiding import apply_decisions, undo_void, void
from tests.sharing.cast import START_MS, deliver, event, opened, registered, share, stands
from tests.support.share_events import share_events

pytestmark = pytest.mark.django_db

# The models of exact parts, said once more. Time decay is no fraction.
EXACT = {
    "full": lambda n: [Fraction(1)] * n,
    "linear": lambda n: [Fraction(1, n)] * n,
    "first_touch": lambda n: [Fraction(0)] * (n - 1) + [Fraction(1)],
    "last_touch": lambda n: [Fraction(1)] + [Fraction(0)] * (n - 1),
    "position_based": lambda n: (
        [Fraction(1, n)] * n
        if n <= 2
        else [Fraction(2, 5), *[Fraction(1, 5 * (n - 2))] * (n - 2), Fraction(2, 5)]
    ),
}


def plain_sums(model: str, by: str) -> dict[str, tuple[Fraction, int, int]]:
    """Credit, number of credits and distinct registrations of each sharer or channel, from the links."""
    chains: dict[str, list[Credit]] = defaultdict(list)
    for credit in Credit.objects.select_related("link").order_by("conversion_id", "distance"):
        chains[credit.conversion_id].append(credit)
    credited: dict[str, Fraction] = defaultdict(Fraction)
    counts: dict[str, int] = defaultdict(int)
    registrations: dict[str, set[str]] = defaultdict(set)
    for key, chain in chains.items():
        for credit, part in zip(chain, EXACT[model](len(chain)), strict=True):
            name = getattr(credit.link, by)
            credited[name] += part
            counts[name] += 1
            registrations[name].add(key)
    return {name: (credited[name], counts[name], len(registrations[name])) for name in counts}


def stored_sums(model: str, kind: str) -> dict[str, tuple[Fraction, int, int]]:
    rows = CreditSum.objects.filter(kind=kind).annotate(units=F(CreditSum.column_of(model)))
    return {row.name: (Fraction(row.units, SCALE), row.credits, row.registrations) for row in rows}


def all_sums() -> list[list[Any]]:
    return [sorted(model.objects.values_list()) for model in (CreditSum, QuarterSum, ChannelCount)]


def added_up(model: str, start_ms: int, end_ms: int) -> dict[str, tuple[int, ...]]:
    """Units, credits, registrations and direct credits of each sharer in these quarter hours."""
    found: dict[str, tuple[int, ...]] = {}
    rows = QuarterSum.of_kind("summit", "sharer", start_ms, end_ms)
    columns = (QuarterSum.column_of(model), "credits", "registrations", "direct")
    for key, *amounts in rows.values_list("id", *columns):
        name = key.split("/", 3)[3]
        found[name] = tuple(map(sum, zip(found.get(name, (0, 0, 0, 0)), amounts, strict=True)))
    return found


def remembered(model: str, start_ms: int, end_ms: int) -> dict[str, tuple[int, ...]]:
    sums = add_up_days("summit", model, start_ms, end_ms)
    assert sums is not None
    places = sums.find_next(None, 10_000)
    assert len(places) == sums.count()
    return {sums.names[place]: (int(sums.units[place]), *sums.counts[:, place].tolist()) for place in places}


def check_remembered() -> None:
    """Each process that ranks sharers remembers the sums that it once read."""
    middle = START_MS + 12 * 60 * 60_000
    for model in ("full", "time_decay"):
        for bounds in ((START_MS, middle), (middle, middle + 24 * 60 * 60_000)):
            assert remembered(model, *bounds) == added_up(model, *bounds), (model, bounds)


def check_sums() -> None:
    check_remembered()
    for model in EXACT:
        for kind in ("sharer", "channel"):
            assert stored_sums(model, kind) == plain_sums(model, kind), (model, kind)
    links = ShareLink.objects.filter(shared_ms__isnull=False).order_by()
    assert sorted(ChannelCount.objects.values_list("channel", "links", "opens", "openers")) == sorted(
        links.values_list("channel").annotate(count=Count("*"), o=Sum("opens"), d=Sum("openers"))
    )
    # The parts, quarter hours and time decay included, are what counting again from the credits gives.
    kept = all_sums()
    count_again("summit")
    assert all_sums() == kept
    check_remembered()


def some_events(seed: int) -> list[dict[str, Any]]:
    events = list(share_events(links=60, seed=seed, conference_id="summit", opens_per_link=3))
    for number, sent in enumerate(events):
        if sent["type"] == "share":
            sent["channel"] = ("wechat", "mail", "", "poster")[number % 4]
    return events


def in_parts(events: Sequence[dict[str, Any]], chance: random.Random) -> None:
    start = 0
    while start < len(events):
        size = chance.choice([1, 3, 40, 200])
        deliver(*events[start : start + size])
        start += size


@pytest.mark.parametrize("seed", range(4))
def test_sums_equal_the_credits_in_any_order_of_arrival(conference: Conference, seed: int) -> None:
    chance = random.Random(seed)
    events = some_events(seed)
    chance.shuffle(events)
    in_parts(events, chance)
    assert Credit.objects.count() > 20
    check_sums()


def test_sums_follow_withdrawals_voids_and_moves(conference: Conference, alice: User) -> None:
    chance = random.Random(7)
    events = some_events(7)
    in_parts(events, chance)
    credited = sorted(
        {key.partition("/")[2] for key in Credit.objects.values_list("conversion_id", flat=True)}
    )
    before = all_sums()
    withdrawn = credited[::3]
    deliver(*(stands(name, 1, stands=False) for name in withdrawn))
    check_sums()
    sharer = Credit.objects.values_list("sharer", flat=True)[0]
    void(conference, kind="sharer", key=sharer, reason="test", by=alice)
    apply_decisions()
    check_sums()
    assert not CreditSum.objects.filter(kind="sharer", name=sharer).exists()
    undo_void(conference, kind="sharer", key=sharer, by=alice)
    apply_decisions()
    deliver(*(stands(name, 2, stands=True) for name in withdrawn))
    check_sums()
    assert all_sums() == before
    # Somebody else turns out to have claimed the most credited links first, on another channel.
    for link in ShareLink.objects.order_by("-assisted")[:5]:
        deliver(
            event(
                "share", -10, "early-bird", share_code=link.code, channel="badge", received=-10,
                event_id=f"early-{link.code}",
            )
        )  # fmt: skip
    check_sums()
    assert CreditSum.objects.filter(kind="channel", name="badge", credits__gt=0).exists()


def test_an_erased_sharer_keeps_the_sums_under_another_name(conference: Conference) -> None:
    deliver(
        share(1, "va-1234567", "aaaa", channel="mail of va-1234567"),
        opened(2, "vx", "aaaa"), registered(3, "vx"),
    )  # fmt: skip
    assert stored_sums("full", "sharer") == {"va-1234567": (1, 1, 1)}
    erase_person(conference, "va-1234567")
    check_sums()
    found = CreditSum.objects.values_list("name", flat=True)
    assert not [name for name in found if "va-1234567" in name]
    assert list(stored_sums("full", "sharer").values()) == [(1, 1, 1)]
    assert not ChannelCount.objects.filter(channel__contains="va-1234567").exists()


def test_a_rebuild_gives_the_same_sums(conference: Conference) -> None:
    from analytics.reactions.pipeline import store_and_react  # a rebuild reads the stored events
    from tests.sharing.cast import row

    store_and_react([row(sent) for sent in some_events(9)])
    before = all_sums()
    assert before[0]
    rebuild("summit")
    assert all_sums() == before
    check_sums()


def test_a_new_model_is_counted_by_the_next_tick(conference: Conference) -> None:
    in_parts(some_events(3), random.Random(3))
    # As if the file of the model were new.
    linear = CreditSum.column_of("linear")
    CreditSum.objects.update(**{linear: 0})
    QuarterSum.objects.update(models_digest="0ld0ld00", **{linear: 0})
    deliver(opened(900, "late", Credit.objects.values_list("link__code", flat=True)[0]))
    deliver(registered(901, "late"))
    note_missing_models()
    assert StaleSums.objects.get().conference_id == "summit"
    count_stale()
    check_sums()
    assert not StaleSums.objects.exists()
    note_missing_models()
    assert not StaleSums.objects.exists()


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
@pytest.mark.parametrize("places", [1, 2, 3, 7, 28, 29, 100])
def test_the_credits_of_a_registration_add_up_exactly(model: str, places: int) -> None:
    ages = [number * 3_600_000 for number in range(places)]
    units = CREDIT_MODELS[model].divide(ages)
    assert sum(units) == (SCALE if CREDIT_MODELS[model].is_fractional else places * SCALE)
    if model in EXACT and places <= 28:
        assert [Fraction(part, SCALE) for part in units] == EXACT[model](places)
