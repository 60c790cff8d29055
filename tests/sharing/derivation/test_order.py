"""The end state is a function of the set of events and of what is void, with any order, repetition, split
and two workers."""

import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from conferences.models import Conference
from meeteasy.core.errors import RefusedError
from sharing import models
from sharing.derivation.deriving import apply_facts, derive
from sharing.derivation.facts import Claim, Facts, read_facts
from sharing.rules.codes import code_of, key_of
from sharing.services import voiding
from tests.sharing.cast import row, share, state, tree
from tests.sharing.derivation.generated import in_deliveries, name_events, some_decisions, some_events
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
# A delivery of events, an organizer's decision (what, kind, key), or None: the sweep of decisions.
Step = list[dict[str, Any]] | tuple[str, tuple[str, str]] | None


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


def take(steps: Sequence[Step]) -> None:
    for step in steps:
        if isinstance(step, list):
            apply_facts(facts_of(step))
        elif step is None:
            voiding.apply_decisions()
        else:
            decide(*step)


def decide(what: str, target: tuple[str, str]) -> None:
    """Void or undo, unless the target is not there yet, or so already."""
    conference, by = Conference(id="summit"), User(username="alice")
    kind, key = target
    try:
        if what == "void":
            voiding.void(conference, kind=kind, key=key, reason="fakes", by=by)
        else:
            voiding.undo_void(conference, kind=kind, key=key, by=by)
    except RefusedError:
        pass


def find_voids() -> set[tuple[str, str]]:
    """What is void after all decisions."""
    return set(models.Void.objects.filter(undone_at__isnull=True).values_list("kind", "key"))


def in_any_order(events: list[dict[str, Any]], decisions: Sequence[Step], seed: int) -> list[Step]:
    """The events in deliveries, with the decisions and some sweeps anywhere between them."""
    chance = random.Random(seed)
    steps: list[Step] = list(in_deliveries(events, chance))
    for step in (*decisions, None, None):
        steps.insert(chance.randint(0, len(steps)), step)
    return steps


def empty() -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


def by_two_workers(steps: list[Step]) -> None:
    """Give the steps to two concurrent workers in turn, and raise their first failure."""
    errors: list[BaseException] = []
    together = threading.Barrier(2)

    def work(mine: list[Step]) -> None:
        try:
            together.wait(20)
            take(mine)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(steps[start::2],)) for start in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def assert_as_plain(events: list[dict[str, Any]]) -> None:
    """Assert that the stored end state equals the plain implementation's result."""
    plain = PlainTree(events, voids=find_voids())
    links = {link.code: link for link in models.ShareLink.objects.all()}
    assert {code: link.sharer for code, link in links.items()} == plain.sharers
    assert {
        code: link.parent_id and link.parent_id.partition("/")[2] for code, link in links.items()
    } == plain.parents
    assert {code for code, link in links.items() if link.closes_cycle} == plain.flagged
    assert {code for code, link in links.items() if link.is_contested} == plain.contested
    assert {code: link.shared_ms for code, link in links.items()} == plain.shared
    assert {code for code, link in links.items() if link.is_void} == plain.void
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
    conversions = dict(models.ShareConversion.objects.values_list("registration_id", "is_reported"))
    assert {key.partition("/")[2]: flag for key, flag in conversions.items()} == {
        key: key not in plain.confirmed for key in plain.credits
    }
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


@pytest.mark.django_db
@settings(max_examples=150)
@given(events=some_events, decisions=some_decisions, seed=st.integers(0, 2**32))
def test_any_order_of_arrival_gives_the_plain_result(
    owners: None, events: list[dict[str, Any]], decisions: list[Step], seed: int
) -> None:
    empty()
    events = name_events(events, seed)
    take([*in_any_order(events, decisions, seed), None])
    assert_as_plain(events)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=40)
@given(events=some_events, decisions=some_decisions, seed=st.integers(0, 2**32))
def test_two_concurrent_workers_give_the_plain_result(
    owners: None, events: list[dict[str, Any]], decisions: list[Step], seed: int
) -> None:
    events = name_events(events, seed)
    empty()
    by_two_workers(in_any_order(events, decisions, seed))
    by_two, voids = state(), find_voids()
    assert_as_plain(events)

    empty()
    take([[sent] for sent in sorted(events, key=lambda sent: (sent["ts"], sent["event_id"]))])
    take([("void", target) for target in voids])
    # Whoever had a link only until its owner's claim came cannot be voided any more.
    sharers = set(models.ShareLink.objects.values_list("sharer", flat=True))
    assert find_voids() == voids - {
        (kind, key) for kind, key in voids if kind == "sharer" and key not in sharers
    }
    assert state() == by_two


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
    # Of two channels, since both would count the same one, and wait for each other there.
    one = share(1, "ann", "aaaa", channel="mail")
    other = share(2, "ben", "bbbb", "aaaa", channel="wechat")
    rows = [[row(one)], [row(other)]]
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
