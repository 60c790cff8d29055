"""The end state is a function of the set of events, with any order, repetition, split and two workers."""

import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharing import models
from sharing.derivation.deriving import apply_facts, derive
from sharing.derivation.facts import Claim, Facts, read_facts
from sharing.rules.codes import code_of, key_of
from tests.sharing.cast import DAY_MS, START_MS, row, share, stands, state, tree
from tests.sharing.plain import PlainTree

pytestmark = pytest.mark.ordered

TABLES = [
    models.DirtyDayOutbox,
    models.ChannelCount,
    models.Credit,
    models.CreditSum,
    models.NotCredited,
    models.ShareConversion,
    models.ShareRegistration,
    models.RegistrationStanding,
    models.StaleRegistration,
    models.PendingTotal,
    models.Void,
    models.ShareOpen,
    models.ShareClaim,
    models.ShareLink,
]

PROVERS = dict(zip("ABCDEFGH", ["ann", "ben", "cat", "dan", "eve", "ann", "ben", "cat"], strict=True))
codes = st.sampled_from([f"code{letter}" for letter in "ABCDEFGH"])
opened_codes = st.one_of(codes, codes, codes, st.just("bad"))  # too short for a code
visitors = st.sampled_from(["ann", "ben", "cat", "dan", "eve", ""])
chains = st.one_of(st.none(), st.none(), st.lists(codes, min_size=1, max_size=3))
# Few instants make ties common. Some are a window apart.
instants = st.builds(
    lambda minute, days: START_MS + minute * 60_000 + days * DAY_MS,
    st.integers(0, 12),
    st.sampled_from([0, 0, 0, 29, 30]),
)


def _common(type: str, **fields: Any) -> Any:
    return st.fixed_dictionaries(
        {
            "type": st.just(type),
            "conference_id": st.just("summit"),
            "visitor_id": visitors,
            "ts": instants,
            "bot": st.sampled_from([False] * 9 + [True]),
            **fields,
        }
    )


# A thief chooses the event time but not the time of receipt. Few minutes make ties common.
_claim = {
    "received": st.integers(0, 30),
    "minted": st.sampled_from([False, False, True]),
    "proven": st.just(False),
}
an_event = st.one_of(
    _common("share", share_code=codes, parent_share_code=st.one_of(st.just(""), codes), **_claim),
    _common("share", share_code=codes, parent_share_code=codes, **_claim),
    # Only one visitor can prove a code: the one named in it.
    _common("share", share_code=codes, parent_share_code=st.just(""), **{**_claim, "proven": st.just(True)}),
    _common("share_open", share_code=opened_codes, attribution_chain=chains),
    _common("share_open", share_code=codes, attribution_chain=chains),
    # With few ids, several events report the same registration, and each may have only a part of it.
    _common(
        "registration",
        share_code=st.one_of(st.just(""), st.just(""), opened_codes),
        registration_id=st.sampled_from(["", "", "r1", "r2", "r3"]),
    ),
    _common("registration", share_code=st.just(""), registration_id=st.just(""), held=st.booleans()),
    _common(
        "registration",
        share_code=opened_codes,
        registration_id=st.sampled_from(["r1", "r2", "r3"]),
        held=st.booleans(),
        confirmed=st.booleans(),
    ),
    st.builds(
        stands,
        st.sampled_from(["r1", "r2", "r3"]),
        st.integers(1, 4),
        st.booleans(),
        st.sampled_from(["state", "void"]),
    ),
    _common("minted", share_code=codes),
)
some_events = st.lists(an_event, min_size=1, max_size=40)


def name_events(events: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Give the events ids whose order is independent of time. A registration without an id stays separate,
    and no code is minted twice."""
    ids = [f"{number:03}" for number in range(len(events))]
    random.Random(seed).shuffle(ids)
    named = []
    minted = set()
    versions = set()
    for sent, name in zip(events, ids, strict=True):
        if sent["type"] == "registration_standing":
            if sent["event_id"] not in versions:  # a version has one meaning
                named.append(sent)
            versions.add(sent["event_id"])
            continue
        event = {**sent, "event_id": f"own:{name}" if sent.get("confirmed") else name}
        if event.get("proven"):
            event["visitor_id"] = PROVERS[event["share_code"][-1]]
        if event["type"] == "registration":
            event["registration_id"] = event["registration_id"] or f"r{name}"
        elif event["type"] == "minted":
            if event["share_code"] in minted:
                continue
            minted.add(event["share_code"])
            event["visitor_id"] = f"user:{1 + len(event['visitor_id']) % 2}"
        named.append(event)
    return named


def facts_of(delivery: list[dict[str, Any]]) -> Facts:
    found = read_facts([row(sent) for sent in delivery if sent["type"] != "minted"])
    found.claims += [
        Claim(
            key_of(sent["conference_id"], sent["share_code"]), (sent["ts"], sent["event_id"]), sent["ts"],
            sent["visitor_id"], is_minted=True,
        )
        for sent in delivery
        if sent["type"] == "minted"
    ]  # fmt: skip
    return found


def deliver(deliveries: Sequence[list[dict[str, Any]]]) -> None:
    for delivery in deliveries:
        apply_facts(facts_of(delivery))


def empty() -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


def in_deliveries(events: list[dict[str, Any]], chance: random.Random) -> list[list[dict[str, Any]]]:
    """Shuffle the events, repeat some, and split them into deliveries of random sizes."""
    repeated = events + chance.sample(events, len(events) // 3)
    chance.shuffle(repeated)
    deliveries = []
    while repeated:
        size = chance.randint(1, 8)
        unique = {sent["event_id"]: sent for sent in repeated[:size]}  # as the pipeline does
        deliveries.append(list(unique.values()))
        repeated = repeated[size:]
    return deliveries


def by_two_workers(deliveries: list[list[dict[str, Any]]]) -> None:
    """Give the deliveries to two concurrent workers in turn, and raise their first failure."""
    errors: list[BaseException] = []
    together = threading.Barrier(2)

    def work(mine: list[list[dict[str, Any]]]) -> None:
        try:
            together.wait(20)
            deliver(mine)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(deliveries[start::2],)) for start in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def assert_as_plain(events: list[dict[str, Any]]) -> None:
    """Assert that the stored end state equals the plain implementation's result."""
    plain = PlainTree(events)
    links = {link.code: link for link in models.ShareLink.objects.all()}
    assert {code: link.sharer for code, link in links.items()} == plain.sharers
    assert {
        code: link.parent_id and link.parent_id.partition("/")[2] for code, link in links.items()
    } == plain.parents
    assert {code for code, link in links.items() if link.closes_cycle} == plain.flagged
    assert {code for code, link in links.items() if link.is_contested} == plain.contested
    assert {code: link.shared_ms for code, link in links.items()} == plain.shared
    registrations = models.ShareRegistration.objects.values_list(
        "id", "ms", "event_id", "visitor", "code_key"
    )
    assert {
        key.partition("/")[2]: (ms, event_id, visitor, code and code_of(code))
        for key, ms, event_id, visitor, code in registrations
    } == plain.registered
    credits: dict[str, list[tuple[str, int]]] = {}
    for key, link, distance in models.Credit.objects.order_by("distance").values_list(
        "conversion_id", "link_id", "distance"
    ):
        credits.setdefault(key.partition("/")[2], []).append((link.partition("/")[2], distance))
    assert credits == plain.credits
    refused: dict[str, set[tuple[str, str]]] = {}
    for key, link, reason in models.NotCredited.objects.values_list("registration_id", "link_key", "reason"):
        refused.setdefault(key.partition("/")[2], set()).add((code_of(link), reason))
    assert refused == {key: reasons for key, reasons in plain.refused.items() if reasons}
    assert models.ShareConversion.objects.count() == len(plain.credits)
    for code, link in links.items():
        below = plain.below(code)
        assert {
            "opens": link.opens,
            "openers": link.openers,
            "child_count": link.child_count,
            "direct": link.direct,
            "assisted": link.assisted,
            "subtree": (link.subtree_links, link.subtree_conversions),
        } == {
            "opens": plain.opens[code],
            "openers": plain.openers.get(code, 0),
            "child_count": sum(
                parent == code and plain.shared[child] is not None for child, parent in plain.parents.items()
            ),
            "direct": plain.direct[code],
            "assisted": plain.assisted[code],
            "subtree": (
                sum(plain.shared[other] is not None for other in below),
                sum(plain.direct[other] for other in [code, *below]),
            ),
        }, code


@pytest.fixture
def owners(db: None) -> None:
    """The users 1 and 2, who own the minted links."""
    User.objects.bulk_create([User(pk=number, username=f"user{number}") for number in (1, 2)])


slow = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.django_db
@settings(slow, max_examples=150)
@given(events=some_events, seed=st.integers(0, 2**32))
def test_any_order_of_arrival_gives_the_plain_result(
    owners: None, events: list[dict[str, Any]], seed: int
) -> None:
    empty()
    events = name_events(events, seed)
    deliver(in_deliveries(events, random.Random(seed)))
    assert_as_plain(events)


@pytest.mark.django_db(transaction=True)
@settings(slow, max_examples=40)
@given(events=some_events, seed=st.integers(0, 2**32))
def test_two_concurrent_workers_give_the_plain_result(
    owners: None, events: list[dict[str, Any]], seed: int
) -> None:
    events = name_events(events, seed)
    empty()
    deliver([[sent] for sent in sorted(events, key=lambda sent: (sent["ts"], sent["event_id"]))])
    in_order = state()

    empty()
    by_two_workers(in_deliveries(events, random.Random(seed)))
    assert state() == in_order
    assert_as_plain(events)


def in_two_threads(work: Any) -> None:
    """Run `work(0)` and `work(1)` at once, each on its own connection, and raise their first failure."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
def test_the_lock_lets_two_workers_see_each_others_links() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a transaction is the lock; the control needs PostgreSQL")
    rows = [[row(share(1, "ann", "aaaa"))], [row(share(2, "ben", "bbbb", "aaaa"))]]
    both_derived = threading.Barrier(2)

    def without_lock(number: int) -> None:
        with transaction.atomic():
            derive(read_facts(rows[number]))
            both_derived.wait(20)

    in_two_threads(without_lock)
    assert tree() == {"aaaa": None, "bbbb": None}  # the child has not found its parent

    empty()
    together = threading.Barrier(2)

    def with_lock(number: int) -> None:
        together.wait(20)
        apply_facts(read_facts(rows[number]))

    in_two_threads(with_lock)
    assert tree() == {"aaaa": None, "bbbb": "aaaa"}
